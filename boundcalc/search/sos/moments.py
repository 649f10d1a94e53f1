"""The semidefinite programs, in floating point, as programs over moments.

A linear form y on polynomials that is ≥ 0 on a cone has positive semidefinite moment matrices
M_b(y); the Gram matrices are their multipliers. This form has as many unknowns as monomials, far
fewer than Gram entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeAlias

from boundcalc.search.sos.cone import Cone
from boundcalc.search.sos.packed import Packed

Metric: TypeAlias = list[Any]  # R by block, (n_b, n_b), invertible

LARGEST_TRACES = (1e4, 1e2)  # of all Gram matrices together: tried until one is solved well
ROOM_ENOUGH = 1.0  # no need to be further inside than this, the goal's coefficients being near 1


@dataclass(frozen=True, eq=False)
class Solution:
    """goal ≈ Σ factor·vᵀQv + Σ free·column.

    room : Q − room·I is still semidefinite for every Q; negative where no representation exists.
    grams : Q by block, (n_b, n_b).
    free : (number of free columns,).
    moments : M_b(y) by block; Q·M ≈ 0 for every Q of a representation where room is 0.
    value : the optimal value.
    accurate : whether the solver met its tolerances.
    """

    room: float
    grams: list[Any]
    free: Any
    moments: list[Any]
    value: float
    accurate: bool


def roomiest(
    cone: Cone, goal: Packed, seconds: float, metric: Metric | None = None
) -> Solution | str:
    """The representation that keeps farthest from the cone's boundary; else why not.

    With a metric (R by block) the distance is room in Q ⪰ room·RᵀR.
    """
    program = _Program(cone, [goal], metric)
    solution = program.solve(program.form(goal), normalise=None, seconds=seconds)
    return solution if isinstance(solution, str) else program.read(solution, inside=True)


def largest(
    cone: Cone, goal: Packed, slope: Packed, seconds: float, metric: Metric | None = None
) -> Solution | str:
    """The largest c for which goal + c·slope has a representation, as the solution's value."""
    program = _Program(cone, [goal, slope], metric)
    solution = program.solve(program.form(goal), normalise=program.form(slope), seconds=seconds)
    return solution if isinstance(solution, str) else program.read(solution, inside=False)


def metric_at(solution: Solution) -> Metric:
    """Coordinates in which the solution's Gram matrices are nearly the identity.

    Where squares differ by many orders of magnitude (a narrow valley) the small ones drown in the
    solver's tolerance; measured against themselves they do not.
    """
    import numpy as np

    found = []
    for gram in solution.grams:
        values, vectors = np.linalg.eigh(gram)
        floor = max(1e-9 * float(np.abs(values).max()), 1e-12)
        found.append(np.sqrt(np.maximum(values, floor))[:, None] * vectors.T)
    return found


class _Program:
    """min ⟨goal, y⟩ over y, τ, ρ with M_b(y) + ρI ⪰ 0, ⟨column, y⟩ = 0 and one normalisation."""

    def __init__(self, cone: Cone, goals: Sequence[Packed], metric: Metric | None) -> None:
        self.cone = cone
        self.place = {m: k for k, m in enumerate(cone.rows(*goals))}
        self.width = len(self.place) + 2  # y, then τ and ρ
        self.metric = metric
        self.moments = [self._moment(b) for b in range(len(cone.blocks))]

    def _moment(self, b: int) -> Any:
        """M_b as a linear map: (n(n+1)/2, number of monomials), the upper triangle by columns."""
        import numpy as np
        from scipy import sparse  # type: ignore[import-untyped, unused-ignore]

        block = self.cone.blocks[b]
        n = len(block.basis)
        rows, columns, values = [], [], []
        at = 0
        for j in range(n):
            for i in range(j + 1):
                for m, c in block.columns[i, j].items():
                    rows.append(at)
                    columns.append(self.place[m])
                    values.append(float(c))
                at += 1
        plain = sparse.csr_matrix((values, (rows, columns)), shape=(at, len(self.place)))
        if self.metric is None:
            return plain
        i, j = _upper(n)
        whole = np.zeros((n, n, len(self.place)))
        whole[i, j] = whole[j, i] = plain.toarray()
        turned = np.einsum("ai,ijm,bj->abm", self.metric[b], whole, self.metric[b], optimize=True)
        return sparse.csr_matrix(turned[i, j])

    def form(self, p: Packed) -> Any:
        """⟨p, y⟩ as a row."""
        import numpy as np

        row = np.zeros(self.width)
        for m, c in p.items():
            row[self.place[m]] = float(c)
        return row

    def solve(self, objective: Any, normalise: Any, seconds: float) -> Any:
        """Clarabel's solution, or why there is none.

        normalise : the form that is −1; None for Σ tr M_b + τ = 1.
        """
        import clarabel  # type: ignore[import-untyped, unused-ignore]
        import numpy as np
        from scipy import sparse

        count = len(self.place)
        semidefinite = self._semidefinite()
        if normalise is None:
            objective[count] = ROOM_ENOUGH
            first, right = self._trace(), 1.0
        else:
            first, right = normalise, -1.0
        equal = np.array([first, *(self.form(column) for _, _, column in self.cone.free)])
        signs = np.zeros((2, self.width))
        signs[0, count] = signs[1, count + 1] = -1
        matrix = sparse.vstack([sparse.csc_matrix(equal), sparse.csc_matrix(signs), semidefinite])
        bound = np.zeros(matrix.shape[0])
        bound[0] = right
        cones = [clarabel.ZeroConeT(len(equal)), clarabel.NonnegativeConeT(2)]
        cones += [clarabel.PSDTriangleConeT(len(b.basis)) for b in self.cone.blocks]
        status = "MaxTime"
        until = monotonic() + seconds
        best = None
        for most in LARGEST_TRACES:
            left = until - monotonic()
            if left <= 0:
                break
            objective[count + 1] = most
            problem = (objective, sparse.csc_matrix(matrix), bound, cones, _settings(left))
            solution = clarabel.DefaultSolver(
                sparse.csc_matrix((self.width, self.width)), *problem
            ).solve()
            status = str(solution.status)
            if status in _USABLE:
                best = solution
            if status in _FINAL:
                break
        return status if best is None else best

    def _semidefinite(self) -> Any:
        """−(svec M_b(y) + ρ·svec I), block under block."""
        import numpy as np
        from scipy import sparse

        parts = []
        for block, moment in zip(self.cone.blocks, self.moments, strict=True):
            i, j = _upper(len(block.basis))
            diagonal = (i == j).astype(float)
            by = sparse.diags(np.where(i == j, 1.0, 2**0.5))
            slack = sparse.csr_matrix(np.column_stack([np.zeros(len(i)), diagonal]))
            parts.append(-sparse.hstack([by @ moment, slack]))
        return sparse.vstack(parts)

    def _trace(self) -> Any:
        import numpy as np

        row = np.zeros(self.width)
        row[-2] = 1
        for block, moment in zip(self.cone.blocks, self.moments, strict=True):
            i, j = _upper(len(block.basis))
            row[:-2] += np.asarray(moment[np.flatnonzero(i == j)].sum(axis=0)).ravel()
            row[-1] += len(block.basis)
        return row

    def read(self, solution: Any, inside: bool) -> Solution:
        """Matrices out of the solver's vectors."""
        import numpy as np

        dual, slack = np.array(solution.z), np.array(solution.s)
        room = -float(dual[0]) if inside else 0.0
        at = 1 + len(self.cone.free)
        free = -dual[1:at]
        at += 2
        grams, moments = [], []
        for b, block in enumerate(self.cone.blocks):
            n = len(block.basis)
            step = n * (n + 1) // 2
            gram = _matrix(dual[at : at + step], n) + room * np.eye(n)
            moment = _matrix(slack[at : at + step], n)
            if self.metric is not None:
                gram = self.metric[b].T @ gram @ self.metric[b]
                back = np.linalg.inv(self.metric[b])
                moment = back @ moment @ back.T
            grams.append(gram)
            moments.append(moment)
            at += step
        accurate = str(solution.status) == "Solved"
        return Solution(room, grams, free, moments, float(solution.obj_val), accurate)


_USABLE = ("Solved", "AlmostSolved", "InsufficientProgress", "MaxIterations")
_FINAL = ("Solved", "AlmostSolved", "MaxTime")


def _settings(seconds: float) -> Any:
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.time_limit = seconds
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    settings.chordal_decomposition_enable = False
    return settings


def _upper(n: int) -> tuple[Any, Any]:
    """Rows and columns of the upper triangle, column by column."""
    import numpy as np

    columns, rows = np.tril_indices(n)
    return rows, columns


def _matrix(vector: Any, n: int) -> Any:
    """The symmetric matrix of a scaled upper triangle."""
    import numpy as np

    matrix = np.zeros((n, n))
    i, j = _upper(n)
    matrix[i, j] = matrix[j, i] = np.where(i == j, vector, vector / 2**0.5)
    return matrix
