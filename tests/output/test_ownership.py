"""Only what siteopt wrote is ever replaced: whatever else stands in its way is kept, or named in a refusal."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from siteopt.issues import Failure
from siteopt.message_catalogue import Code
from siteopt.output.charts.drawing import pictures
from siteopt.output.folder import ready_folder, write_beside, write_folder
from siteopt.output.ownership import MANIFEST, Owned, fingerprint, is_signed, signed
from tests.output.test_drawing import chart

EARLIER = '{"format_version": 1, "siteopt_version": "0.1.0"}'
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="of POSIX")


def layers(path: Path, *names: str) -> bytes:
    """A GeoPackage, as far as SQLite is concerned, with these layers."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE gpkg_contents (table_name)")
        for name in names:
            database.execute(f"CREATE TABLE {name} (value)")
            database.execute("INSERT INTO gpkg_contents VALUES (?)", [name])
    return path.read_bytes()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str | bytes]:
    content = layers(tmp_path / "made.gpkg", "sites")
    (tmp_path / "made.gpkg").unlink()
    page = signed(b"<!doctype html>")
    return {"report.html": page, "plan.json": EARLIER, "orders.csv": "a\n", "siteopt.gpkg": content}


@pytest.fixture
def run(tmp_path: Path, files: dict[str, str | bytes]) -> Path:
    write_folder(tmp_path / "run", files)
    return tmp_path / "run"


def tree(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_every_kind_of_file_knows_its_own_digest() -> None:
    drawn = pictures([chart()])
    for content in (signed(b""), signed("<p>가</p>".encode()), drawn["trial.png"], drawn["trial.svg"]):
        assert isinstance(content, bytes)
        assert is_signed(content)
        for place in range(0, len(content), max(1, len(content) // 50)):
            assert not is_signed(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert not is_signed(content + b"x")
        assert not is_signed(content[:-1])
    assert not is_signed(b"")


def test_signed_png_is_a_png() -> None:
    content = pictures([chart()])["trial.png"]
    assert isinstance(content, bytes)
    place = 8
    while place < len(content):
        length = int.from_bytes(content[place : place + 4])
        chunk, check = content[place + 4 : place + 8 + length], content[place + 8 + length : place + 12 + length]
        assert zlib.crc32(chunk) == int.from_bytes(check)
        place += 12 + length
    assert place == len(content)
    assert chunk == b"IEND"


def test_run_replaces_what_is_as_siteopt_wrote_it(run: Path, files: dict[str, str | bytes]) -> None:
    assert write_folder(run, files | {"orders.csv": "b\n"}) == {}
    assert tree(run)["orders.csv"] == b"b\n"
    assert len(tree(run)) == len(files)


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"mine")


def with_layer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE mine (value)")


def with_pending_layer(path: Path) -> None:
    """As a program that died: the layer is still in the write-ahead log."""
    program = (
        "import os, sqlite3, sys; d = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "d.execute('PRAGMA journal_mode=WAL'); d.execute('CREATE TABLE mine (value)'); os._exit(0)"
    )
    os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program, str(path)])
    assert path.with_name("siteopt.gpkg-wal").stat().st_size


def linked(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def pipe_instead(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES: list[tuple[str, Callable[[Path], None]]] = [
    ("orders.csv", edited),
    ("plan.json", edited),
    ("report.html", edited),
    ("siteopt.gpkg", with_layer),
    ("siteopt.gpkg", with_pending_layer),
    ("orders.csv", folder_instead),
    *([("orders.csv", linked), ("orders.csv", pipe_instead)] if sys.platform != "win32" else []),
]


@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_what_the_user_changed_is_kept_under_another_name(
    run: Path, files: dict[str, str | bytes], name: str, change: Callable[[Path], None]
) -> None:
    change(run / name)
    before = tree(run)
    was = os.lstat(run / name)
    ready_folder(run, "plan.json")
    one = Path(name)
    other = f"{one.stem}-yours{one.suffix}"
    for number in ("", "-2"):
        kept = f"{one.stem}-yours{number}{one.suffix}"
        assert write_folder(run, files) == {name: kept}
        after = tree(run)
        assert after[name] == (files[name].encode() if isinstance(files[name], str) else files[name])
        mine = os.lstat(run / other)
        assert mine.st_mode == was.st_mode
        assert mine.st_ino == was.st_ino or stat.S_ISDIR(was.st_mode)
        for path, content in before.items():
            if path == name != "siteopt.gpkg" or path.startswith(f"{name}/"):
                assert after[path.replace(name, other, 1)] == content
        assert write_folder(run, files) == {}
        edited(run / name)
    if name == "siteopt.gpkg":
        with closing(sqlite3.connect(run / other)) as database:
            assert database.execute("SELECT * FROM mine").fetchall() == []


def test_geopackage_that_was_only_opened_is_replaced(run: Path, files: dict[str, str | bytes]) -> None:
    before = (run / "siteopt.gpkg").read_bytes()
    with closing(sqlite3.connect(run / "siteopt.gpkg")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("SELECT * FROM gpkg_contents").fetchall()
    assert (run / "siteopt.gpkg").read_bytes() != before
    assert fingerprint((run / "siteopt.gpkg").read_bytes()) == fingerprint(before)
    assert write_folder(run, files) == {}
    assert not list(run.glob("siteopt.gpkg-*"))


def test_geopackage_of_the_user_beside_a_front_keeps_its_log(tmp_path: Path) -> None:
    write_folder(tmp_path / "front", {"pareto.json": EARLIER})
    layers(tmp_path / "front" / "siteopt.gpkg", "theirs")
    with_pending_layer(tmp_path / "front" / "siteopt.gpkg")
    assert write_folder(tmp_path / "front", {"pareto.json": EARLIER}) == {}
    with closing(sqlite3.connect(tmp_path / "front" / "siteopt.gpkg")) as database:
        assert database.execute("SELECT * FROM mine").fetchall() == []


def test_charts_folder_loses_only_charts(run: Path, files: dict[str, str | bytes]) -> None:
    write_beside(run / "charts", {"map.svg": signed(b"map"), "cost.svg": signed(b"cost")})
    (run / "charts" / "slides.pptx").write_text("precious")
    edited(run / "charts" / "cost.svg")
    write_folder(run, files)
    assert sorted(path.name for path in (run / "charts").iterdir()) == ["cost.svg", "slides.pptx"]
    for path in (run / "charts").iterdir():
        path.unlink()
    write_beside(run / "charts", {"map.svg": signed(b"map")})
    write_folder(run, files)
    assert not (run / "charts").exists()


@POSIX
def test_charts_folder_that_is_a_link_is_kept(run: Path, files: dict[str, str | bytes], tmp_path: Path) -> None:
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "map.svg").write_bytes(signed(b"map"))
    (run / "charts").symlink_to(tmp_path / "slides")
    write_folder(run, files)
    assert (run / "charts").is_symlink()
    assert (tmp_path / "slides" / "map.svg").exists()


TERRAFORM = '{"format_version": "1.2", "terraform_version": "1.9.0", "planned_values": {}}'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plan.json", TERRAFORM),
        ("plan.json", "[]"),
        ("plan.json", "{"),
        ("plan.json", "[" * 100_000),
        ("plan.json", b"\xff"),
        ("pareto.json", "{}"),
        ("issues.geojson", '{"type": "FeatureCollection", "features": [{"properties": {"name": "mine"}}]}'),
        ("issues.geojson", '{"features": [{"properties": ["code", "found", "expected"]}]}'),
        ("issues.geojson", '{"features": [null]}'),
        ("issues.geojson", '{"features": {}}'),
        (MANIFEST, "{}"),
        (MANIFEST, '{"files": {}}'),
        (MANIFEST, '{"files": []}'),
    ],
)
@pytest.mark.parametrize("marker", ["plan.json", "pareto.json", "issues.geojson"])
def test_folder_of_others_is_not_taken_for_a_run(tmp_path: Path, name: str, content: str | bytes, marker: str) -> None:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (tmp_path / "orders.csv").write_text("theirs")
    before = tree(tmp_path)
    for write in (ready_folder, lambda place, marker: write_folder(place, {marker: "new"})):
        with pytest.raises(Failure, match="it is not the folder of a run") as caught:
            write(tmp_path, marker)  # type: ignore[operator]
        assert caught.value.code is Code.NOT_A_RUN
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("plan.json", "pareto.json", "holds a run, which a Pareto front must not replace"),
        ("plan.json", "issues.geojson", "holds a run, which a map of issues must not replace"),
        ("pareto.json", "plan.json", "holds a Pareto front, which a run must not replace"),
        ("pareto.json", "issues.geojson", "holds a Pareto front, which a map of issues must not replace"),
        ("issues.geojson", "plan.json", ""),
        ("issues.geojson", "pareto.json", ""),
    ],
)
@pytest.mark.parametrize("earlier", [True, False])
def test_run_of_one_kind_does_not_replace_another(
    tmp_path: Path, old: str, new: str, message: str, earlier: bool
) -> None:
    content = '{"features": []}' if old == "issues.geojson" else EARLIER
    write_folder(tmp_path / "run", {old: content, "report.html": "page"})
    if earlier:
        (tmp_path / "run" / MANIFEST).unlink()
    before = tree(tmp_path)
    if not message:
        ready_folder(tmp_path / "run", new)
        write_folder(tmp_path / "run", {new: "new"})
        assert (tmp_path / "run" / new).read_text() == "new"
        assert not (tmp_path / "run" / old).exists()
        return
    with pytest.raises(Failure, match=message):
        ready_folder(tmp_path / "run", new)
    with pytest.raises(Failure, match=message):
        write_folder(tmp_path / "run", {new: "new"})
    assert tree(tmp_path) == before


def test_run_of_an_earlier_version_is_replaced(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    run = tmp_path / "run"
    (run / "charts").mkdir(parents=True)
    for name, content in (files | {"report.html": "old page"}).items():
        (run / name).write_bytes(content.encode() if isinstance(content, str) else content)
    for name in ("map.svg", "map.png", "holiday.png"):
        (run / "charts" / name).write_text("a picture")
    (run / "notes.txt").write_text("mine")
    assert Owned.of(run).is_earlier
    write_beside(run, {"report.html": signed(b"new page")})
    write_beside(run / "charts", {"map.svg": signed(b"new map")})
    assert write_folder(run, files) == {}
    assert tree(run).keys() == {*files, "notes.txt", "charts/holiday.png"}


@pytest.mark.parametrize("layer", ["mine", ""])
def test_own_layer_of_an_earlier_run_is_kept(tmp_path: Path, files: dict[str, str | bytes], layer: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "plan.json").write_text(EARLIER)
    content = layers(tmp_path / "run" / "siteopt.gpkg", "sites", layer) if layer else b"damaged"
    (tmp_path / "run" / "siteopt.gpkg").write_bytes(content)
    assert write_folder(tmp_path / "run", files) == {"siteopt.gpkg": "siteopt-yours.gpkg"}
    assert (tmp_path / "run" / "siteopt-yours.gpkg").read_bytes() == content


def as_text(path: Path) -> None:
    path.write_text("mine")


def as_folder(path: Path) -> None:
    path.mkdir()


def as_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def as_changed(path: Path) -> None:
    path.write_bytes(signed(b"page") + b"\n")


IN_THE_WAY = [
    (as_text, "is not a page or chart of siteopt, or was changed since"),
    (as_changed, "is not a page or chart of siteopt, or was changed since"),
    (as_folder, "is a folder"),
    *([(as_link, "is a symbolic link"), (os.mkfifo, "is not a file")] if sys.platform != "win32" else []),
]


@pytest.mark.parametrize(("put", "message"), IN_THE_WAY)
@pytest.mark.parametrize("name", ["report.html", "charts/map.svg", "page.html", "plan.json"])
def test_page_and_charts_replace_only_pages_and_charts(
    run: Path, put: Callable[[Path], None], message: str, name: str
) -> None:
    (run / "charts").mkdir()
    (run / name).unlink(missing_ok=True)
    put(run / name)
    mode, before = os.lstat(run / name).st_mode, tree(run)
    with pytest.raises(Failure, match=message) as caught:
        write_beside((run / name).parent, {"new.html": signed(b"first"), (run / name).name: signed(b"new")})
    assert caught.value.code is Code.NOT_OURS
    assert (os.lstat(run / name).st_mode, tree(run)) == (mode, before)


def test_page_replaces_a_page_wherever_it_stands(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        write_beside(tmp_path, {"page.html": signed(content)})
        assert tree(tmp_path) == {"page.html": signed(content)}


def test_record_is_no_page(run: Path) -> None:
    with pytest.raises(Failure, match=r"plan\.json is not a page or chart of siteopt, or was changed since"):
        write_beside(run, {"plan.json": signed(b"page")})
    json.loads((run / "plan.json").read_text())


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("/", r"^/ holds files"),
        ("", r"^\. \(.*/here\) (is the folder you work in|holds)"),
        ("../../", r"^\.\./\.\. \(.*\) holds files"),
        ("../", r"^\.\. \(.*\) holds files"),
    ],
)
@POSIX
def test_message_names_what_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, message: str
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "middle" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "middle" / "here")
    with pytest.raises(Failure, match=message):
        ready_folder(Path(typed), "plan.json")


def test_a_slash_at_the_end_of_a_new_folder_does_no_harm(tmp_path: Path) -> None:
    folder = Path(f"{tmp_path}/new/run/")
    ready_folder(folder, "plan.json")
    write_folder(folder, {"plan.json": "{}"})
    assert (tmp_path / "new" / "run" / "plan.json").exists()
