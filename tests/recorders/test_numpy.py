"""The NumPy and scikit-learn recorders against logs written by hand."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier

from boundcalc.errors import InputError
from boundcalc.fit.fold import fold, plan_for
from boundcalc.fit.measure import measure
from boundcalc.logs.open import open_log
from boundcalc.recorders import numpy as recorder_numpy
from boundcalc.recorders import sklearn as recorder_sklearn


def least_squares():
    rng = np.random.default_rng(0)
    matrix, target = rng.normal(size=(20, 3)), rng.normal(size=20)

    def loss(x, i):
        return 0.5 * (matrix[i] @ x - target[i]) ** 2

    def gradient(x, i):
        return (matrix[i] @ x - target[i]) * matrix[i]

    return loss, gradient


def run(recorder, loss, gradient, noise=None):
    x, rng = np.ones(3), np.random.default_rng(1)
    for _ in range(60):
        i = int(rng.integers(20))
        slope = gradient(x, i)
        value = loss(x, i) + (0.0 if noise is None else noise.random())
        recorder.step(x, value, slope, lambda y, i=i: loss(y, i), sample=i, stepsize=0.05)
        x = x - 0.05 * slope
    return x


def test_the_log_is_that_of_a_run_by_hand(tmp_path):
    loss, gradient = least_squares()
    path = tmp_path / "log.npz"
    report = recorder_numpy.replay(lambda r: run(r, loss, gradient), path, quiet=True)
    assert (report.rows, report.differing) == (60, 0)
    x, rng, points = np.ones(3), np.random.default_rng(1), []
    for _ in range(60):
        i = int(rng.integers(20))
        points.append((x, i))
        x = x - 0.05 * gradient(x, i)
    with np.load(path) as log:
        for k, (point, i) in enumerate(points):
            slope = gradient(point, i)
            assert log["inner"][k] == pytest.approx(slope @ (point - x), rel=1e-12)
            assert log["dist_sq"][k] == pytest.approx((point - x) @ (point - x), rel=1e-12)
            assert log["loss_ref"][k] == loss(x, i)
            assert log["sample"][k] == i
        assert log["grad_sqnorm"].shape == (60,)
    opened = open_log(path)
    fitted = measure(opened, fold(opened, plan_for(opened)))
    # convex least squares: α = 1, β = 0 up to the noise of the reference point
    assert fitted.alpha_beta is not None
    assert fitted.constants["aiming"] is not None


def test_a_replay_that_is_another_run_is_told(tmp_path, capsys):
    loss, gradient = least_squares()
    noise = np.random.default_rng(3)  # not reset between the passes
    report = recorder_numpy.replay(lambda r: run(r, loss, gradient, noise), tmp_path / "log.npz")
    assert report.differing == 60
    assert 0 < report.difference < 1
    assert "the replay is another run: 60 of 60" in capsys.readouterr().err


def test_a_training_function_that_records_nothing(tmp_path):
    with pytest.raises(InputError, match="recorded no step"):
        recorder_numpy.replay(lambda _: np.ones(1), tmp_path / "log.npz")
    assert not list(tmp_path.iterdir())


def test_a_last_iterate_of_another_shape(tmp_path):
    loss, gradient = least_squares()

    def train(recorder):
        run(recorder, loss, gradient)
        return np.ones(2)

    with pytest.raises(InputError, match=r"shape \(2,\)"):
        recorder_numpy.replay(train, tmp_path / "log.npz")


def batches(features, target, size=16):
    return lambda: [
        (features[k : k + size], target[k : k + size]) for k in range(0, len(target) - size, size)
    ]


def test_a_regressor(tmp_path):
    features, target = load_diabetes(return_X_y=True)
    target = (target - target.mean()) / target.std()

    def make():
        return SGDRegressor(alpha=0.01, eta0=0.05, random_state=0)

    path = tmp_path / "log.npz"
    report = recorder_sklearn.replay(make, batches(features, target), path, quiet=True)
    assert report.differing == 0
    model = make()
    points = []
    for x, y in batches(features, target)():
        if hasattr(model, "coef_"):
            points.append((model.coef_.copy(), model.intercept_.copy()))
        else:
            points.append((np.zeros(x.shape[1]), np.zeros(1)))
        model.partial_fit(x, y)

    def mean_loss(coef, intercept, x, y):
        return np.mean(0.5 * (x @ coef + intercept - y) ** 2) + 0.005 * coef @ coef

    with np.load(path) as log:
        for k, ((coef, intercept), (x, y)) in enumerate(
            zip(points, batches(features, target)(), strict=True)
        ):
            assert log["loss"][k] == pytest.approx(mean_loss(coef, intercept, x, y), rel=1e-12)
            assert log["loss_ref"][k] == pytest.approx(
                mean_loss(model.coef_, model.intercept_, x, y), rel=1e-12
            )


@pytest.mark.parametrize("labels", [2, 3])
def test_a_classifier_has_the_gradient_of_its_loss(tmp_path, labels):
    features, target = load_breast_cancer(return_X_y=True)
    features = features[:, :4] / features[:, :4].max(axis=0)
    target = (target + np.arange(len(target))) % labels
    kind = ("log_loss", 0.1, True)
    goal = recorder_sklearn._targets(target[:16], np.arange(labels))
    x = np.random.default_rng(0).normal(size=(goal.shape[1], 5))

    def value(at):
        return recorder_sklearn._value_and_gradient(
            at, inputs=features[:16], target=goal, model=kind
        )[0]

    _, gradient = recorder_sklearn._value_and_gradient(
        x, inputs=features[:16], target=goal, model=kind
    )
    for entry in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[entry] = 1e-6
        slope = (value(x + step) - value(x - step)) / 2e-6
        assert gradient[entry] == pytest.approx(slope, abs=1e-8)
    report = recorder_sklearn.replay(
        lambda: SGDClassifier(loss="log_loss", random_state=0),
        batches(features, target),
        tmp_path / "log.npz",
        classes=list(range(labels)),
        quiet=True,
    )
    assert report.differing == 0
    assert open_log(tmp_path / "log.npz").rows == report.rows > 30


def test_models_that_are_not_known(tmp_path):
    with pytest.raises(InputError, match="hinge"):
        recorder_sklearn.replay(
            lambda: SGDClassifier(loss="hinge"), list, tmp_path / "a.npz", classes=[0, 1]
        )
    with pytest.raises(InputError, match="labels"):
        recorder_sklearn.replay(lambda: SGDClassifier(loss="log_loss"), list, tmp_path / "a.npz")
    for model, said in (
        (MLPClassifier(), "MLPClassifier"),
        (SGDClassifier(loss="log_loss", average=True), "average"),
        (SGDClassifier(loss="log_loss", class_weight={0: 2.0}), "class_weight"),
    ):
        with pytest.raises(InputError, match=said):
            recorder_sklearn.replay(
                lambda model=model: model,
                lambda: [(np.eye(2), np.arange(2))],
                tmp_path / "a.npz",
                classes=[0, 1],
            )
    assert not list(tmp_path.iterdir())


def test_an_intercept_that_is_not_learned_has_no_gradient(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    recorder_sklearn.replay(
        lambda: SGDRegressor(penalty=None, fit_intercept=False, random_state=0),
        lambda: [(x[k : k + 4], y[k : k + 4]) for k in range(0, 40, 4)],
        tmp_path / "log.npz",
        quiet=True,
    )
    with np.load(tmp_path / "log.npz") as log:
        first = x[:4].T @ (0 - y[:4]) / 4  # the first model is zero
        assert log["grad_sqnorm"][0] == pytest.approx(first @ first, rel=1e-12)
