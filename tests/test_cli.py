"""`boundcalc fit` from the outside: contract, exit codes, messages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

SHIPPED = Path(__file__).parents[1] / "cases" / "logs" / "digits-mlp.npz"
BOUNDCALC = (sys.executable, "-c", "from boundcalc.cli import main; main()")


def run(*arguments, timeout=60):
    return subprocess.run(
        [*BOUNDCALC, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def honest(n=50):
    rng = np.random.default_rng(0)
    loss = rng.random(n) + 0.1
    inner = 1.5 * loss
    dist_sq = 1 + rng.random(n)
    return {
        "loss": loss,
        "loss_ref": 0.1 * loss,
        "inner": inner,
        "dist_sq": dist_sq,
        "grad_sqnorm": 2 * inner**2 / dist_sq,
        "stepsize": np.full(n, 1e-3),
    }


def test_first_line_is_the_answer_and_the_rows_are_named():
    done = run("fit", SHIPPED)
    assert done.returncode == 0
    assert done.stderr == ""
    first, *rest = done.stdout.splitlines()
    assert first.startswith("The α-β-condition holds on all 4,000 rows with α = 2.27323, β = 1.202")
    assert "promised" in first
    text = "\n".join(rest)
    for said in (
        "self-bounding",
        "1026",
        "assumed: loss_min = 0",
        "as logged",
        "measured on these",
    ):
        assert said in text


def test_json_follows_the_contract():
    done = run("fit", SHIPPED, "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["schema"] == "boundcalc.fit/1"
    assert (found["rows"], found["rows_used"]) == (4000, 4000)
    pair = found["alpha_beta"]
    assert pair["feasible"] is True
    assert pair["objective"] == "bound"
    assert pair["alpha"] > pair["beta"] >= 0
    alphas, betas = pair["frontier"]["alpha"], pair["frontier"]["beta"]
    assert alphas == sorted(alphas)
    assert len(alphas) == len(betas) == 10
    assert pair["frontier"]["slope"] < 1
    for key in ("pl", "pl_star", "rsi", "eb", "qg"):
        assert set(found[key]) >= {"mu", "row"}
    assert len(found["pl_star_eps"]["epsilon"]) == len(found["pl_star_eps"]["mu"])
    assert found["self_bounding"]["rows_below_float_floor"] == 0
    assert found["aiming"]["theta"] > 0
    assert found["interpolation_error"] == pytest.approx(0.0131272, rel=1e-5)
    assert found["initial_dist_sq"] == pytest.approx(130.43376892, rel=1e-9)
    theorems = {one["theorem"]: one for one in found["guarantees"]}
    assert set(theorems) == {"sgd-alpha-beta", "sgd-alpha-beta-sharp"}
    for one in theorems.values():
        assert set(one) >= {
            "step_size_limit", "step_size", "bound", "observed", "vacuous", "logged"
        }  # fmt: skip
    sharp, paper = theorems["sgd-alpha-beta-sharp"], theorems["sgd-alpha-beta"]
    assert sharp["step_size_limit"] == pytest.approx(2 * paper["step_size_limit"], rel=1e-12)
    assert sharp["bound"] < paper["bound"]
    assert paper["logged"]["within_limit"] is False
    assert paper["logged"]["bound"] is None


def test_every_printed_pair_satisfies_every_row_exactly():
    from fractions import Fraction

    log = np.load(SHIPPED)
    rows = [
        (Fraction(f) - Fraction(r), Fraction(f), Fraction(c))
        for f, r, c in zip(
            *(log[name].tolist() for name in ("loss", "loss_ref", "inner")), strict=True
        )
    ]
    for objective in ("bound", "neighbourhood", "minimal", "rate"):
        found = json.loads(run("fit", SHIPPED, "--json", "--objective", objective).stdout)
        pair = found["alpha_beta"]
        frontier = pair["frontier"]
        points = [(pair["alpha"], pair["beta"])]
        points += list(zip(frontier["alpha"], frontier["beta"], strict=True))
        for alpha, beta in points:
            p, q = Fraction(alpha), Fraction(beta)
            assert all(p * a - q * b <= c for a, b, c in rows)


def test_steps_and_loss_min_change_what_they_should():
    short = json.loads(run("fit", SHIPPED, "--json", "--steps", 40).stdout)
    assert short["steps"] == 40
    assert all(one["vacuous"] for one in short["guarantees"])
    assert "VACUOUS" in run("fit", SHIPPED, "--steps", 40).stdout.splitlines()[0]
    lower = json.loads(run("fit", SHIPPED, "--json", "--loss-min", "-0.5").stdout)
    assert lower["interpolation_error"] == pytest.approx(0.5131272, rel=1e-5)
    assert not any("loss_min = 0" in one for one in lower["assumptions"])


def test_a_log_of_losses_and_gradients_alone_gives_nulls_and_says_so(tmp_path):
    columns = {name: honest()[name] for name in ("loss", "grad_sqnorm")}
    np.savez(tmp_path / "log.npz", **columns)
    found = json.loads(run("fit", tmp_path / "log.npz", "--json").stdout)
    assert found["alpha_beta"] is None
    assert found["aiming"] is found["rsi"] is found["initial_dist_sq"] is None
    assert found["guarantees"] == []
    expected = np.min(columns["grad_sqnorm"] / columns["loss"]) / 2
    assert found["pl"]["mu"] == pytest.approx(expected, rel=1e-12)
    assert any("alpha-beta" in warning for warning in found["warnings"])
    first = run("fit", tmp_path / "log.npz").stdout.splitlines()[0]
    assert "PL holds with μ" in first
    assert "cannot be judged" in first


def test_an_infeasible_log_is_a_result_with_its_row(tmp_path):
    columns = honest()
    columns["inner"][7], columns["loss_ref"][7] = -0.5, 0.0
    np.savez(tmp_path / "log.npz", **columns)
    done = run("fit", tmp_path / "log.npz", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)["alpha_beta"]
    assert found["feasible"] is False
    assert found["alpha"] is None
    assert found["binding_rows"] == [7]
    assert "row 7 alone" in run("fit", tmp_path / "log.npz").stdout.splitlines()[0]


def changed(**columns):
    return lambda: {**honest(), **columns}


def with_entry(name, row, value):
    def make():
        columns = honest()
        columns[name][row] = value
        return columns

    return make


BAD = {
    "unequal lengths": (changed(inner=np.ones(3)), "inner"),
    "objects": (changed(inner=np.array([{}] * 50, dtype=object)), "pickle"),
    "nan": (with_entry("inner", 4, np.nan), "row 4"),
    "inf": (with_entry("loss", 5, np.inf), "--drop-nonfinite"),
    "below its minimum": (with_entry("loss", 6, -1e-3), "--loss-min"),
    "reference below its minimum": (with_entry("loss_ref", 8, -1e-3), "loss_ref"),
    "negative norm": (with_entry("grad_sqnorm", 9, -1.0), "grad_sqnorm"),
    "Cauchy-Schwarz": (with_entry("grad_sqnorm", 3, 1e-6), "row 3"),
    "no rows": (lambda: {name: column[:0] for name, column in honest().items()}, "rows"),
    "one row": (lambda: {name: column[:1] for name, column in honest().items()}, "row"),
    "nothing to fit": (lambda: {"stepsize": np.ones(5)}, "loss"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_log_is_one_message_and_exit_code_2(name, tmp_path):
    make, said = BAD[name]
    np.savez(tmp_path / "log.npz", **make())
    for option in ((), ("--json",)):
        done = run("fit", tmp_path / "log.npz", *option)
        assert done.returncode == 2
        assert done.stdout == ""
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        lines = done.stderr.strip().splitlines()
        assert all(line.startswith("error: ") for line in lines)
        assert len(lines) <= 2
        for part in ("found", "expected", "fix"):
            assert part in lines[0]


def test_files_that_are_no_logs(tmp_path):
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("loss,inner\n1,2\n")
    whole = SHIPPED.read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    for name in ("empty.npz", "text.npz", "cut.npz", "other.npz", "missing.npz", "."):
        done = run("fit", tmp_path / name)
        assert done.returncode == 2, name
        assert done.stderr.count("error: ") == 1
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize(
    "options",
    [
        ("--objective", "best"),
        ("--margin", "a lot"),
        ("--margin", "-1"),
        ("--margin", "9**9**9"),
        ("--steps", "0"),
        ("--steps", "many"),
        ("--steps", "1000000000000000000"),
        ("--epoch", "99999999999999999999999"),
        ("--discard", "1" + "0" * 400),
        ("--loss-min", "nan"),
        ("--epoch", "0"),
        ("--method", "guess"),
        ("--quantile", "1.5"),
        ("--discard", "-1"),
        ("--discard", "4000"),
        ("--discard", "3", "--quantile", "0.9"),
        ("--plot", "figure.exe"),
        ("--html", "page.npz"),
        ("--html", "page.svg", "--plot", "page.svg"),
        ("--html", "page.html", "--plot", "page.html"),
        ("--nonsense",),
    ],
    ids=" ".join,
)
def test_bad_usage_is_exit_code_2(options):
    done = run("fit", SHIPPED, *options)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_margin_that_no_pair_reaches_names_the_row(tmp_path):
    columns = honest()
    columns["loss_ref"] = np.zeros(50)  # interpolation: α − β ≤ inner/loss = 1.5
    np.savez(tmp_path / "log.npz", **columns)
    done = run("fit", tmp_path / "log.npz", "--objective", "minimal", "--margin", "2")
    assert done.returncode == 2
    assert "--margin" in done.stderr
    assert "row" in done.stderr


def test_interrupt_is_a_clean_message(tmp_path):
    n = 3_000_000
    columns = {"loss": np.ones(n), "loss_ref": np.zeros(n), "inner": np.ones(n)}
    np.savez(tmp_path / "log.npz", **columns)
    plot = tmp_path / "figure.png"
    process = subprocess.Popen(
        [*BOUNDCALC, "fit", str(tmp_path / "log.npz"), "--method", "grid", "--plot", str(plot)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "interrupted: nothing was written"
    assert out == ""
    assert list(tmp_path.iterdir()) == [tmp_path / "log.npz"]


SLOW = """
import time
from pathlib import Path
import boundcalc.report.fit_html as page
def slow(*_):
    Path(MARK).touch()
    time.sleep(60)
page.page_of = slow
from boundcalc.cli import main
main()
"""


def test_interrupt_between_two_files_leaves_neither(tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")
    mark = tmp_path / "mark"
    arguments = ["fit", SHIPPED, "--plot", tmp_path / "a.png", "--html", tmp_path / "a.html"]
    probe = SLOW.replace("MARK", repr(str(mark)))
    process = subprocess.Popen(
        [sys.executable, "-c", probe, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "interrupted: nothing was written\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "mark"]
    assert (tmp_path / "a.png").read_bytes() == b"old"


def test_interrupt_after_the_files_says_that_they_are_there(tmp_path):
    probe = (
        "import os, signal\n"
        "import boundcalc.report.fit_json as made\n"
        "made.fit_json = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "from boundcalc.cli import main\n"
        "main()"
    )
    plot = tmp_path / "a.png"
    done = subprocess.run(
        [sys.executable, "-c", probe, "fit", str(SHIPPED), "--json", "--plot", str(plot)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130
    assert done.stderr == f"interrupted: {plot} was written\n"
    assert plot.exists()


def test_interrupt_while_modules_load_is_a_clean_message():
    probe = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == os.environ['STOP_AT']:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from boundcalc.cli import main\n"
        "main()"
    )
    for module in ("typer", "boundcalc.errors", "boundcalc.report.write", "numpy"):
        done = subprocess.run(
            [sys.executable, "-c", probe, "fit", str(SHIPPED)],
            capture_output=True,
            text=True,
            env={**os.environ, "STOP_AT": module},
            check=False,
        )
        assert (done.returncode, done.stderr) == (130, "interrupted: nothing was written\n")


def test_help_and_version():
    for arguments, said in ((("--help",), "fit"), (("fit", "--help"), "--objective")):
        done = run(*arguments)
        assert done.returncode == 0
        assert said in done.stdout
    assert run("--version").stdout.startswith("boundcalc ")


def test_help_imports_nothing_heavy():
    probe = (
        "import sys, boundcalc.cli as c\n"
        "sys.argv = ['boundcalc', '--help']\n"
        "try: c.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'cvxpy', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_terminal_without_greek_gets_words(encoding):
    done = subprocess.run(
        [*BOUNDCALC, "fit", str(SHIPPED)],
        capture_output=True,
        env={"PYTHONIOENCODING": encoding, "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 0
    said = done.stdout.decode("ascii")
    first, *rest = said.splitlines()
    assert first.startswith("The alpha-beta-condition holds on all 4,000 rows with alpha = 2.27")
    assert "E[f - f*] <= " in first
    assert "?" not in said
    start = next(k for k, line in enumerate(rest) if "condition" in line and " | " in line)
    table = [line for line in rest[start:] if "grad" in line and " | " in line]
    bars = [k for k, sign in enumerate(rest[start]) if sign == "|"]
    assert table
    assert all(line[k] == "|" for line in table for k in bars)  # columns are aligned
    for spelled in ("mu = ", "sigma^2", "D_0", "theta = ", "1/2||grad f||^2 >= mu (f"):
        assert spelled in said


def test_help_and_errors_without_greek_are_ascii(tmp_path):
    for arguments, spelled in (
        (("fit", "--help"), "beta/(alpha-beta)"),
        (("fit", tmp_path / "α-é.npz"), "alpha-\\xe9.npz: found no such file"),
    ):
        done = subprocess.run(
            [*BOUNDCALC, *map(str, arguments)],
            capture_output=True,
            env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"},
            check=False,
        )
        assert spelled in (done.stdout + done.stderr).decode("ascii")


def test_json_is_ascii():
    assert run("fit", SHIPPED, "--json").stdout.isascii()


@pytest.mark.parametrize("option", [(), ("--json",), ("--help",)], ids=str)
def test_a_reader_that_goes_away_is_no_failure(option):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*BOUNDCALC, "fit", str(SHIPPED), *option],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("option", [(), ("--json",), ("--help",)], ids=str)
def test_a_full_disk_is_one_message(option):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [*BOUNDCALC, "fit", str(SHIPPED), *option],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: stdout: found No space left on device; expected")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_the_exit_code_does_not_depend_on_who_reads_the_message():
    with open("/dev/full", "w", encoding="utf-8") as full:
        assert subprocess.run([*BOUNDCALC, "fit", "none"], stderr=full, check=False).returncode == 2


def test_closed_streams_are_no_failure():
    command = [sys.executable, "-c", "from boundcalc.cli import main; main()"]
    shell = 'exec "$@" >&-'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", *command, "fit", str(SHIPPED)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_log_is_never_overwritten(tmp_path):
    log = tmp_path / "mine.npz"
    log.write_bytes(SHIPPED.read_bytes())
    (tmp_path / "link.html").symlink_to(log)
    (tmp_path / "hard.svg").hardlink_to(log)
    before = sorted(tmp_path.iterdir())
    for option in (
        ("--html", log),
        ("--plot", log),
        ("--html", tmp_path / "link.html"),
        ("--plot", tmp_path / "hard.svg"),
    ):
        done = run("fit", log, *option)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("error: ") == 1
    assert log.read_bytes() == SHIPPED.read_bytes()
    assert sorted(tmp_path.iterdir()) == before


def test_bad_places_are_refused_before_the_log_is_opened(tmp_path):
    done = run(
        "fit", tmp_path / "none.npz", "--plot", "a.exe", "--html", tmp_path / "no" / "b.html"
    )
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert "a.exe" in first
    assert "no folder" in second


def test_a_log_of_whole_data_values_alone_gives_pl(tmp_path):
    every = np.arange(30) % 5 == 0
    columns = {
        "full_loss": np.where(every, np.linspace(2, 1, 30), np.nan),
        "full_grad_sqnorm": np.where(every, 3.0, np.nan),
    }
    np.savez(tmp_path / "log.npz", **columns)
    found = json.loads(run("fit", tmp_path / "log.npz", "--json").stdout)
    assert found["pl"]["mu"] == pytest.approx(0.75)
    assert found["pl"]["row"] == 0
    assert found["pl_star"] is found["alpha_beta"] is None
    assert not any("pl," in one or "pl cannot" in one for one in found["warnings"])


def test_plot_and_html_are_written_whole(tmp_path):
    plot, page = tmp_path / "fit.svg", tmp_path / "fit.html"
    done = run("fit", SHIPPED, "--plot", plot, "--html", page, "--json")
    assert done.returncode == 0
    json.loads(done.stdout)
    assert plot.read_text().startswith("<?xml")
    text = page.read_text()
    assert text.count("<svg") == 1
    assert "The α-β-condition holds on all 4,000 rows" in text
    assert "http://" not in text.replace("http://www.w3.org", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit.html", "fit.svg"]
    missing = run("fit", SHIPPED, "--html", tmp_path / "nowhere" / "fit.html")
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr
