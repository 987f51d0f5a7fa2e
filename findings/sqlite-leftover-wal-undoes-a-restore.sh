#!/usr/bin/env bash
# SQLite 3.54.1 (PyPI apsw 3.54.1.0): a `-wal` file that another connection left beside a database is played over the
# file that is put in its place, although that file is a different one, with another inode. The restored file shows the
# rows from before the restore again, and `integrity_check` reports "ok".
#
# Steps: a database in WAL mode is copied as a backup; one more row is written and the writer keeps its connection open;
# the backup is renamed over the database.
#
# Seen: "restored file: ['new', 'old'], integrity_check: ok"; with the -wal and -shm files removed first:
# "restored file: ['old'], integrity_check: ok".
# Exits 0 if that is still so, 1 if it changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check 'apsw==3.54.1.0'
cat >restore.py <<'PY'
import os
import shutil
import sys

import apsw

NAME = "data.db"
for leftovers_removed in (False, True):
    for old in (NAME, NAME + "-wal", NAME + "-shm", "backup.db", "copy.db"):
        if os.path.exists(old):
            os.remove(old)
    setup = apsw.Connection(NAME)
    setup.execute("PRAGMA journal_mode=wal")
    setup.execute("CREATE TABLE t(x)")
    setup.execute("INSERT INTO t VALUES('old')")
    setup.close()
    shutil.copy(NAME, "backup.db")

    writer = apsw.Connection(NAME)
    writer.execute("INSERT INTO t VALUES('new')")
    shutil.copy("backup.db", "copy.db")
    if leftovers_removed:
        os.remove(NAME + "-wal")
        os.remove(NAME + "-shm")
    os.rename("copy.db", NAME)

    reader = apsw.Connection(NAME)
    rows = sorted(row[0] for row in reader.execute("SELECT x FROM t"))
    check = next(iter(reader.execute("PRAGMA integrity_check")))[0]
    print(f"restored file: {rows}, integrity_check: {check}")
    reader.close()
    writer.close()
print("SQLite", apsw.sqlite_lib_version(), file=sys.stderr)
PY
seen=$(python/bin/python restore.py)
echo "$seen"
[ "$seen" = "restored file: ['new', 'old'], integrity_check: ok
restored file: ['old'], integrity_check: ok" ]
