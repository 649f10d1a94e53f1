"""Files appear whole, together, or not at all; text is spelled out where signs are missing."""

from __future__ import annotations

import codecs
import os
import signal
from pathlib import Path

import pytest

from boundcalc.errors import InputError
from boundcalc.report.ascii import spelled, transliterated
from boundcalc.report.plain import dumps
from boundcalc.report.write import FIGURES, PAGES, check_output_paths, write_together, write_whole


def text(words):
    return lambda place: place.write_text(words)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_several_files_appear_together(tmp_path):
    written: list[Path] = []
    one, two = tmp_path / "one.svg", tmp_path / "two.html"
    write_together({one: text("1"), two: text("2")}, written)
    assert (one.read_text(), two.read_text()) == ("1", "2")
    assert written == [one, two]
    mask = os.umask(0)
    os.umask(mask)
    assert one.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_one_that_fails_leaves_none(tmp_path, error):
    def fail(place):
        place.write_text("half")
        raise error

    one, two = tmp_path / "one.svg", tmp_path / "two.html"
    one.write_text("old")
    written: list[Path] = []
    with pytest.raises((InputError, KeyboardInterrupt)):
        write_together({one: text("new"), two: fail}, written)
    assert names(tmp_path) == ["one.svg"]
    assert one.read_text() == "old"
    assert written == []


@pytest.fixture
def interruptible():
    """Ctrl-C raises, as in a terminal; a shell that starts jobs in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_among_the_renames_waits_for_them(tmp_path, monkeypatch):
    replace = Path.replace

    def interrupted(self, target):
        os.kill(os.getpid(), signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_together({tmp_path / "one.svg": text("1"), tmp_path / "two.html": text("2")})
    assert names(tmp_path) == ["one.svg", "two.html"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "there.html").write_text("old")
    link = tmp_path / "link.html"
    link.symlink_to("there.html")
    check_output_paths([(link, PAGES)])
    write_whole(link, text("new"))
    assert link.is_symlink()
    assert (tmp_path / "there.html").read_text() == "new"


def test_places_that_cannot_be_written_to(tmp_path):
    log = tmp_path / "log.npz"
    log.write_bytes(b"rows")
    (tmp_path / "log.html").symlink_to(log)
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "loop.html").symlink_to("loop.html")
    (tmp_path / "null.html").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe.html")
    before = names(tmp_path)
    for name, found in (
        ("log.npz", "the suffix '.npz'"),
        ("page", "no suffix"),
        ("log.html", "the log itself"),
        ("folder.html", "a folder"),
        ("loop.html", "a loop of symbolic links"),
        ("null.html", "a device or a pipe"),
        ("pipe.html", "a device or a pipe"),
        ("none/page.html", "no folder"),
        ("log.npz/page.html", "no folder"),
        ("x" * 300 + ".html", "File name too long"),
        ("nu\0ll.html", "null"),
    ):
        with pytest.raises(InputError) as raised:
            check_output_paths([(tmp_path / name, PAGES)], inputs=(log,))
        (fault,) = raised.value.faults
        assert found in fault.found
        assert fault.expected
        assert fault.fix
    assert names(tmp_path) == before


def test_two_outputs_are_two_files(tmp_path):
    (tmp_path / "one.svg").touch()
    (tmp_path / "two.html").symlink_to("one.svg")
    with pytest.raises(InputError, match="the same file"):
        check_output_paths([(tmp_path / "one.svg", FIGURES), (tmp_path / "two.html", PAGES)])
    with pytest.raises(InputError) as raised:
        check_output_paths([(tmp_path / "one.exe", FIGURES), (tmp_path / "two.npz", PAGES)])
    assert len(raised.value.faults) == 2
    check_output_paths([(tmp_path / "three.svg", FIGURES), (tmp_path / "three.html", PAGES)])


def test_signs_are_spelled_out():
    assert transliterated("½‖∇f‖² ≥ μ (f − f*)") == "1/2||grad f||^2 >= mu (f - f*)"
    assert (
        transliterated("⟨g, x⟩ ≤ α·β … σ² D₀ x⁰ θ")
        == "<g, x> <= alpha*beta ... sigma^2 D_0 x^0 theta"
    )
    assert transliterated("│ ┃ ━ ─ ┼ ╇ plain é") == "| | - - + + plain é"
    codecs.register_error("test-spelled", spelled)
    assert "α é \udcff".encode("ascii", "test-spelled") == b"alpha \\xe9 \\udcff"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "test-spelled")


def test_json_is_ascii():
    assert dumps({"α": "≤"}) == '{"\\u03b1": "\\u2264"}'
