"""A PostgreSQL server of a test's own, reached through a socket in a folder of its own."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.parse

PASSWORD = "s3cret/@?"


def binaries():
    """The folder of initdb, or None where PostgreSQL is not installed."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Server:
    """with Server() as server: …  Skip the test where binaries() is None."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hanse-postgres-"))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        (self.folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:  # which initdb refuses to run as
            shutil.chown(self.folder, "postgres")
            shutil.chown(self.folder / "password", "postgres")
        self._run("initdb", "-N", "-A", "scram-sha-256", "-U", "owner", "-E", "UTF8",
                  "--locale=C", f"--pwfile={self.folder}/password", "-D", self.folder / "data")
        self._run("pg_ctl", "-w", "-D", self.folder / "data", "-l", self.folder / "log", "-o",
                  f"-c listen_addresses='' -c fsync=off -k {self.folder}", "start")

    def stop(self):
        """At once, as when the machine is switched off."""
        self._run("pg_ctl", "-m", "immediate", "-D", self.folder / "data", "stop", check=False)

    def url(self, database="postgres", password=PASSWORD):
        return (f"postgresql://owner:{urllib.parse.quote(password, safe='')}@/{database}"
                f"?host={self.folder}")

    def execute(self, statements):
        """What a test needs in the database: tables and their rows."""
        subprocess.run([binaries() / "psql", "-q", "-v", "ON_ERROR_STOP=1", self.url()],
                       input=statements, text=True, check=True, stdout=subprocess.DEVNULL)

    @staticmethod
    def _run(program, *words, check=True):
        as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*as_postgres, binaries() / program, *words], check=check, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
