"""Lists and dicts as one has them in any program."""

from armillary import call, task, workflow
from armillary.functions import unique


@workflow
def merge_duplicates(records: list[dict]):
    groups = {}
    for record in records:
        key = record["name"].lower()
        groups.setdefault(key, []).append(record)

    merged = []
    for key, group in sorted(groups.items()):
        if len(group) == 1:
            merged.append(group[0])
            continue
        first, *others = group
        conflicts = unique([f for o in others for f in o.keys() if o[f] != first.get(f)])
        if len(conflicts) > 0:
            choice = task("ChooseRecord", roles=["steward"], payload={"group": group, "fields": sorted(conflicts)})
            first = group[choice["index"]]
        result = {**first, "sources": [r["id"] for r in group]}
        result["merged"] = True
        merged.append(result)

    call("registry/save", records=merged)
    return len(merged)
