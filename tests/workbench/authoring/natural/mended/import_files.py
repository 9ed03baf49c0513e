"""Data engineering: with what Python offers beyond workflows."""

from armillary import call, sleep, workflow


@workflow
def import_files(folder: str):
    files = call("storage/list", folder=folder)
    for index in range(len(files)):
        name = files[index]
        data = call("storage/read", file=name)
        sleep("5s")
        call("warehouse/load", name=name, rows=len(data), number=index)
