"""Formulas as people read them: plain text and LaTeX, from one expression tree."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.grammar import Binary, Call, Expr, Name, Number, Power, parse, parse_relation

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ",
    "lambda": "λ", "mu": "μ", "rho": "ρ", "sigma2": "σ²",
}  # fmt: skip
TEXT = {
    **GREEK, "dist2": "D₀", "steps": "K", "fstar": "f*", "inf": "f_inf", "inf_i": "f_i*",
    "gamma_sum": "Σγ_k", "gamma_sqsum": "Σγ_k²", "xp": "x_p", "gap0": "(f(x⁰) − f*)",
    "loss0": "f(x⁰)",
}  # fmt: skip
LATEX = {
    "sigma2": r"\sigma^2", "dist2": "D_0", "steps": "K", "fstar": "f^*", "inf": r"\inf f",
    "inf_i": "f_i^*", "gamma_sum": r"\sum_k\gamma_k", "gamma_sqsum": r"\sum_k\gamma_k^2",
    "gap0": "(f(x^0)-f^*)", "loss0": "f(x^0)", "xp": "x_p", "xs": "x^*", "xplus": "x^+",
}  # fmt: skip
FUNCTION_LATEX = {
    "grad": r"\nabla f", "grad_i": r"\nabla f_i", "JT": "DF^\\top", "J": "DF", "res": "F",
    "sample_grad": r"\nabla f_i",
}  # fmt: skip
SUM, PRODUCT, POWER = 1, 2, 3  # how tightly an expression binds


def text_name(name: str) -> str:
    """A name with Greek letters; subscripts stay after an underscore."""
    head, _, tail = name.partition("_")
    return TEXT.get(name) or (f"{GREEK.get(head, head)}_{tail}" if tail else head)


def latex_name(name: str) -> str:
    """The same in LaTeX."""
    if name in LATEX:
        return LATEX[name]
    head, _, tail = name.partition("_")
    letter = rf"\{head}" if head in GREEK else (head if len(head) == 1 else rf"\mathrm{{{head}}}")
    return rf"{letter}_{{{tail}}}" if tail else letter


def text(expr: Expr | str, around: int = 0) -> str:
    """An expression on one line."""
    expr = parse(expr, None) if isinstance(expr, str) else expr
    match expr:
        case Number(value):
            written = str(value)
            return f"({written})" if value.denominator > 1 and around > SUM else written
        case Name(name):
            return text_name(name)
        case Binary("-", Number(Fraction(numerator=0)), right):
            return _wrap(f"−{text(right, PRODUCT)}", SUM, around)
        case Binary("+" | "-" as op, left, right):
            sign = "+" if op == "+" else "−"
            tight = SUM if op == "+" else PRODUCT
            return _wrap(f"{text(left, SUM)} {sign} {text(right, tight)}", SUM, around)
        case Binary("*", left, right):
            return _wrap(f"{text(left, PRODUCT)}·{text(right, PRODUCT)}", PRODUCT, around)
        case Binary(_, left, right):
            return _wrap(f"{text(left, PRODUCT)}/{text(right, POWER)}", PRODUCT, around)
        case Power(base, exponent):
            raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
            return f"{text(base, POWER)}{raised}"
        case Call(function, arguments):
            return _text_call(function, [text(a) for a in arguments])


def _text_call(function: str, inside: list[str]) -> str:
    match function:
        case "dot":
            return f"⟨{inside[0]}, {inside[1]}⟩"
        case "sqnorm":
            return f"‖{inside[0]}‖²"
        case "square":
            return f"({inside[0]})²"
        case "E":
            return f"E[{inside[0]}]"
        case "grad" | "sample_grad" | "grad_i":
            return f"∇{'f' if function == 'grad' else 'f_i'}({inside[0]})"
    return f"{function}({', '.join(inside)})"


def _wrap(written: str, binds: int, around: int) -> str:
    return f"({written})" if binds < around else written


def latex(expr: Expr | str, around: int = 0) -> str:
    """An expression in LaTeX."""
    expr = parse(expr, None) if isinstance(expr, str) else expr
    match expr:
        case Number(value):
            if value.denominator == 1:
                return str(value)
            return rf"\tfrac{{{value.numerator}}}{{{value.denominator}}}"
        case Name(name):
            return latex_name(name)
        case Binary("-", Number(Fraction(numerator=0)), right):
            return _latex_wrap(f"-{latex(right, PRODUCT)}", SUM, around)
        case Binary("+" | "-" as op, left, right):
            tight = SUM if op == "+" else PRODUCT
            return _latex_wrap(f"{latex(left, SUM)} {op} {latex(right, tight)}", SUM, around)
        case Binary("*", left, right):
            return _latex_wrap(f"{latex(left, PRODUCT)}\\,{latex(right, PRODUCT)}", PRODUCT, around)
        case Binary(_, left, right):
            return _latex_wrap(rf"\frac{{{latex(left)}}}{{{latex(right)}}}", PRODUCT, around)
        case Power(base, exponent):
            return f"{latex(base, POWER)}^{{{exponent}}}"
        case Call(function, arguments):
            return _latex_call(function, [latex(a) for a in arguments])


def _latex_call(function: str, inside: list[str]) -> str:
    match function:
        case "dot":
            return rf"\langle {inside[0]}, {inside[1]}\rangle"
        case "sqnorm":
            return rf"\|{inside[0]}\|^2"
        case "square":
            return rf"({inside[0]})^2"
        case "sqrt":
            return rf"\sqrt{{{inside[0]}}}"
        case "E":
            return rf"\mathbb{{E}}\left[{inside[0]}\right]"
        case "min" | "max":
            return rf"\{function}\{{{', '.join(inside)}\}}"
        case "J" | "JT":
            return rf"{FUNCTION_LATEX[function]}({inside[0]})[{inside[1]}]"
    return rf"{FUNCTION_LATEX.get(function, function)}({', '.join(inside)})"


def _latex_wrap(written: str, binds: int, around: int) -> str:
    return rf"\left({written}\right)" if binds < around else written


SIGNS = {
    ">=": ("≥", r"\ge"),
    "<=": ("≤", r"\le"),
    ">": (">", ">"),
    "<": ("<", "<"),
    "=": ("=", "="),
}


def relation(written: str, in_latex: bool = False) -> str:
    """A relation, with its two sides as they were written."""
    parse_relation(written, None)  # raises where it is not one
    for sign, (plain, tex) in SIGNS.items():
        left, found, right = written.partition(sign)
        if found:
            if in_latex:
                return f"{latex(left)} {tex} {latex(right)}"
            return f"{text(left)} {plain} {text(right)}"
    raise AssertionError(written)
