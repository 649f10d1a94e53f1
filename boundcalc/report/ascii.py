"""Mathematics for streams that have no Greek: α becomes alpha, ≤ becomes <=."""

from __future__ import annotations

_WORDS = (
    "α alpha  β beta  γ gamma  δ delta  ε epsilon  θ theta  κ kappa  λ lambda  μ mu  µ mu  "
    "σ sigma  Δ Delta  η eta  Π prod  ᵀ ^T  √ sqrt  ∞ inf  ∈ in  ½ 1/2  "
    "≤ <=  ≥ >=  ≠ !=  ≈ ~  ± +-  × x  · *  "
    "⇒ =>  → ->  ↦ ->  ‖ ||  ⟨ <  ⟩ >  − -  – -  — -  … ...  • *  “ \"  ” \"  ‘ '  ’ '"
)
_SIGNS = dict(pair.split(" ") for pair in _WORDS.split("  ")) | {
    "∇": "grad ",
    "\u00a0": " ",
    **{sign: f"^{digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{sign: f"_{digit}" for digit, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{chr(code): "+" for code in range(0x2500, 0x2580)},  # lines of tables, and their corners
    **dict.fromkeys("─━═╌╴╶╸╺╼╾", "-"),
    **dict.fromkeys("│┃║╎╵╷╹╻╽╿", "|"),
}
_TABLE = str.maketrans(_SIGNS)


def transliterated(text: str) -> str:
    """`text` with the signs of mathematics spelled out; other characters stay."""
    return text.translate(_TABLE)


def spelled(error: UnicodeError) -> tuple[str, int]:
    """An error handler for codecs.register_error: signs spelled out, the rest as escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = transliterated(error.object[error.start : error.end])
    return lost.encode("ascii", "backslashreplace").decode("ascii"), error.end
