"""Publishing: revise until everybody agrees; walrus and verbs in a condition, as one writes them in scripts."""

from armillary import call, task, workflow


@workflow
def publish(article: str, editors: list[str]) -> None:
    while not (review := task("Review", roles=["editor"], payload={"article": article}))["ok"]:
        article = task("Revise", roles=["author"], payload=review)["text"]
    if call("spelling/check", text=article)["errors"] > 0:
        task("FixSpelling", roles=["author"])
    votes = [task("Vote", assignee=editor) for editor in editors]
    print("published", votes)
    call("cms/publish", text=article)
