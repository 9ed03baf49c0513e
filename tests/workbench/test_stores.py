from pathlib import Path

import pytest
from armillary import ArmillaryError
from armillary.stores import default_path, default_url, normal_url


def test_two_spellings_of_a_file_are_one_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    assert normal_url("sqlite:///a.sqlite") == normal_url(f"sqlite:///{tmp_path}/sub/../a.sqlite")


def test_a_link_is_the_file_that_it_leads_to(tmp_path):
    (tmp_path / "a.sqlite").touch()
    (tmp_path / "b.sqlite").symlink_to(tmp_path / "a.sqlite")
    assert normal_url(f"sqlite:///{tmp_path}/b.sqlite") == normal_url(f"sqlite:///{tmp_path}/a.sqlite")


def test_the_query_of_a_url_is_kept(tmp_path):
    assert normal_url(f"sqlite:///{tmp_path}/a.sqlite?x=1").endswith("/a.sqlite?x=1")


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("claims.sqlite", "url.invalid", "sqlite:///claims.sqlite"),
        ("", "url.invalid", "sqlite:///path"),
        ("sqlite://", "url.invalid", "memory://"),
        ("sqlite:///:memory:", "url.invalid", "memory://"),
        ("sqlite:///no/such/folder/a.sqlite", "url.invalid", "existing folder"),
        ("sqlite:///.", "url.invalid", "expected a file"),
        ("https://flows.example", "url.unavailable", "deployed backends"),
        ("mongodb://db", "url.unavailable", "MongoDB"),
        ("mysql://db", "url.unknown", "mysql"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_a_sentence(url, code, said):
    with pytest.raises(ArmillaryError) as caught:
        normal_url(url)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_a_password_is_never_shown():
    with pytest.raises(ArmillaryError) as caught:
        normal_url("postgresql+psycopg://ann:s3cret@db/flows")
    assert "s3cret" not in str(caught.value)
    assert "postgresql://…" in str(caught.value)


def test_the_default_is_one_file_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "data" / "armillary")
    assert default_url() == f"sqlite:///{default_path()}"
    assert default_path() == Path(tmp_path / "data" / "armillary" / "armillary.sqlite")
    assert default_path().parent.is_dir()


def test_a_data_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "file" / "armillary")
    with pytest.raises(ArmillaryError, match="expected a writable folder") as caught:
        default_url()
    assert caught.value.code == "store.not-writable"
