"""A run's folder is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from siteopt.output.folder import write_folder

RUN = {"plan.json": "{}\n", "orders.csv": "a\n"}


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in files}


def test_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    write_folder(tmp_path / "a" / "b", RUN)
    assert contents(tmp_path) == {"a/b/plan.json": "{}\n", "a/b/orders.csv": "a\n"}


def test_next_run_replaces_the_one_before(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    write_folder(tmp_path / "run", {"plan.json": "[]\n", "orders.csv": "가\n"})
    assert contents(tmp_path) == {"run/plan.json": "[]\n", "run/orders.csv": "가\n"}


def test_foreign_files_of_an_earlier_run_are_kept(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    (tmp_path / "run" / "notes").mkdir()
    (tmp_path / "run" / "notes" / "mine.txt").write_text("mine")
    (tmp_path / "run" / "map.qgz").write_text("map")
    write_folder(tmp_path / "run", {"plan.json": "[]\n"})
    assert contents(tmp_path / "run") == {
        "plan.json": "[]\n",
        "orders.csv": "a\n",
        "notes/mine.txt": "mine",
        "map.qgz": "map",
    }


def test_front_is_replaced_by_the_next_front(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", {"pareto.json": "{}\n"})
    write_folder(tmp_path / "run", {"pareto.json": "[]\n"})
    assert contents(tmp_path) == {"run/pareto.json": "[]\n"}


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write_folder(tmp_path / "run", RUN)
    assert contents(tmp_path / "run") == RUN


def test_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="left alone"):
        write_folder(tmp_path, RUN)
    assert contents(tmp_path) == {"thesis.txt": "years of work"}


def test_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(FileExistsError, match="is a file"):
        write_folder(tmp_path / "run", RUN)
    assert contents(tmp_path) == {"run": "a file"}


def test_failure_while_writing_leaves_the_old_run(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", RUN)
    with pytest.raises(UnicodeEncodeError):
        write_folder(tmp_path / "run", {"plan.json": "new", "orders.csv": "\ud800"})
    assert contents(tmp_path) == {f"run/{name}": text for name, text in RUN.items()}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_failure_of_the_last_move_leaves_the_old_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "run", RUN)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if (path / "plan.json").is_file() and (path / "plan.json").read_text() == "new":
            raise OSError("disk on fire")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk on fire"):
        write_folder(tmp_path / "run", {"plan.json": "new"})
    assert contents(tmp_path) == {f"run/{name}": text for name, text in RUN.items()}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_line_ends_are_written_as_they_are(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", {"plan.json": "a\nb\r\n"})
    assert (tmp_path / "run" / "plan.json").read_bytes() == b"a\nb\r\n"


def test_what_was_made_from_the_run_before_goes_with_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", {"plan.json": "{}\n", "siteopt.gpkg": b"\x00\xff"})
    (tmp_path / "run" / "charts").mkdir()
    (tmp_path / "run" / "charts" / "map.svg").write_text("old")
    (tmp_path / "run" / "siteopt.gpkg-wal").write_text("in flight")
    write_folder(tmp_path / "run", {"plan.json": "[]\n", "siteopt.gpkg": b"\x01"})
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["plan.json", "siteopt.gpkg"]
    assert (tmp_path / "run" / "siteopt.gpkg").read_bytes() == b"\x01"
