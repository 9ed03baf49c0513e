"""Publishing: revise until everybody agrees; walrus and verbs in a condition, as one writes them in scripts."""

from armillary import call, collect, task, workflow


@workflow
def publish(article: str, editors: list[str]) -> None:
    article_now = article
    review = task("Review", roles=["editor"], payload={"article": article_now})
    while not review["ok"]:
        revise = task("Revise", roles=["author"], payload=review)
        article_now = revise["text"]
        review = task("Review", roles=["editor"], payload={"article": article_now})
    check = call("spelling/check", text=article_now)
    if check["errors"] > 0:
        task("FixSpelling", roles=["author"])
    for editor in editors:
        vote = task("Vote", assignee=editor)
        votes = collect(vote)
    call("cms/publish", text=article_now, votes=votes)
