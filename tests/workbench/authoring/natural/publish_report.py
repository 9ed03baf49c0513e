"""Parallel sections gathered into one report."""

from armillary import branch, call, parallel, task, workflow

SECTIONS = ("sales", "costs", "staff")


@workflow
def publish_report(month: str, recipients: list[str]):
    assert recipients, "nobody to send it to"
    year, number = month.split("-")
    with parallel():
        with branch("sales"):
            sales = call("figures/sales", year=int(year), month=int(number))
        with branch("costs"):
            costs = call("figures/costs", year=int(year), month=int(number))
        with branch("staff"):
            staff = call("figures/staff", year=int(year), month=int(number))

    profit = sales["total"] - costs["total"]
    margin = profit / sales["total"] * 100 if sales["total"] else 0
    trend = "up" if profit > 0 else "down" if profit < 0 else "flat"
    lines = [f"# Report {month}", "", f"- profit: {profit:,.2f} ({margin:.1f} %)", f"- trend: {trend}"]
    lines.extend(f"- {name}: {section['total']:,}" for name, section in zip(SECTIONS, [sales, costs, staff]))
    text = "\n".join(lines)

    draft = task("ProofRead", roles=["editor"], payload={"text": text})
    for recipient in recipients:
        call("mail/send", to=recipient, subject=f"Report {month}".title(), text=draft.get("text") or text)
    return {"recipients": len(recipients), "margin": round(margin, 1)}
