"""Data engineering: with what Python offers beyond workflows."""

import json
import time

from armillary import call, workflow

SEEN = {}


@workflow
def import_files(folder: str):
    files = call("storage/list", folder=folder)
    for index, name in enumerate(files):
        with open(name) as stream:
            data = json.load(stream)
        SEEN[name] = data
        time.sleep(5)
        call("warehouse/load", name=name, rows=len(data), number=index)
