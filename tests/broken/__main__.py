"""Write ``messages.json`` again."""

import json
import os
import tempfile
from pathlib import Path

from siteopt.log import FOLDER
from tests.broken import MESSAGES, broken_files, checked

with tempfile.TemporaryDirectory() as logs:
    os.environ[FOLDER] = logs
    found = {}
    for name in broken_files():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = checked(name, Path(folder)).output.splitlines()
MESSAGES.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
