"""Figures of a fit: kinds of files, places to write, and logs that are hard to draw."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import matplotlib as mpl
import pytest
from drawn_logs import ODD, fitted, quadratics
from matplotlib.figure import Figure

from boundcalc.errors import InputError
from boundcalc.guarantees.assessment import assess
from boundcalc.logs import Log, log_from_arrays
from boundcalc.report.figure import check_figure_path, draw_fit, figure_of
from boundcalc.report.ink import house_style

SHIPPED = Path(__file__).parents[2] / "cases" / "logs" / "digits-mlp.npz"
FEW = ODD["only loss and gradient"]  # a figure of one panel, drawn fast


@pytest.mark.parametrize("name", ODD)
def test_odd_logs_draw_without_a_warning(name, tmp_path):
    assessment, log = fitted(ODD[name])
    with house_style():
        figure = figure_of(assessment, log)
        figure.savefig(tmp_path / "fit.png", dpi=40)
    assert all(panel.has_data() for panel in figure.axes if panel.get_title())
    assert (tmp_path / "fit.png").stat().st_size > 1000


def test_names_from_files_are_not_markup(tmp_path):
    log = log_from_arrays(quadratics(), source="runs/$x^{2_日本.npz")
    draw_fit(assess(log), log, tmp_path / "fit.png")
    assert (tmp_path / "fit.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")],
)
def test_the_suffix_makes_the_kind_and_the_fit_makes_the_bytes(suffix, magic, tmp_path):
    for name in ("one", "two"):
        draw_fit(*fitted(FEW), tmp_path / f"{name}{suffix}")
    one, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
    assert one.startswith(magic)
    assert one == two
    assert b"CreationDate" not in one
    assert b"<dc:date>" not in one
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "name", ["fit.jpg", "fit", "missing/fit.png", "file/fit.png", "folder.png"]
)
def test_a_bad_place_is_refused_before_any_work(name, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    assessment, log = fitted(quadratics())
    monkeypatch.setattr(Log, "chunks", lambda *_: pytest.fail("the log was read"))
    with pytest.raises(InputError) as raised:
        draw_fit(assessment, log, tmp_path / name)
    assert all(
        (fault.where, fault.found, fault.expected, fault.fix) for fault in raised.value.faults
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path, monkeypatch):
    def fail(_figure, place, **_options):
        Path(place).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    (tmp_path / "fit.png").write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(InputError, match="No space left"):
        draw_fit(*fitted(FEW), tmp_path / "fit.png")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_a_log_without_anything_to_draw_is_an_input_error(tmp_path):
    assessment, log = fitted({name: quadratics()[name] for name in ("inner", "dist_sq")})
    with pytest.raises(InputError, match="no column that a figure shows"):
        draw_fit(assessment, log, tmp_path / "fit.png")
    assert not list(tmp_path.iterdir())


def test_pyplot_stays_out():
    code = (
        "import sys; from pathlib import Path; from boundcalc.logs import open_log;"
        "from boundcalc.guarantees.assessment import assess;"
        "from boundcalc.report.figure import figure_of;"
        "log = open_log(Path(sys.argv[1])); figure_of(assess(log), log).savefig(sys.argv[2]);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, SHIPPED, "/dev/null"], check=True, timeout=60)


def test_a_matplotlibrc_changes_nothing(tmp_path):
    assessment, log = fitted(FEW)
    draw_fit(assessment, log, tmp_path / "plain.png")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 20}):
        draw_fit(assessment, log, tmp_path / "styled.png")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "styled.png").read_bytes()


def test_checking_a_path_makes_no_file(tmp_path):
    check_figure_path(tmp_path / "fit.svg")
    assert not list(tmp_path.iterdir())


def test_horizons_beyond_any_axis_draw(tmp_path):
    assessment, log = fitted(quadratics(spread=0.0), steps=10**40, margin=Fraction(1, 10))
    draw_fit(assessment, log, tmp_path / "fit.png")
    assert (tmp_path / "fit.png").stat().st_size > 1000
