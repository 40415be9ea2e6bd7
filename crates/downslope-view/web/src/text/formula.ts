// How does a small formula become MathML? The part of TeX that a lesson on descent needs; what is not known is shown as
// it stands. The browser draws it, so no font comes along.

const SYMBOLS: Record<string, string> = {
  alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", varepsilon: "ε", eta: "η", theta: "θ", lambda: "λ", mu: "μ",
  nu: "ν", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", phi: "φ", chi: "χ", psi: "ψ", omega: "ω", Delta: "Δ", Sigma: "Σ",
  Theta: "Θ", Lambda: "Λ", Omega: "Ω", ell: "ℓ", infty: "∞", partial: "∂", nabla: "∇",
};
const OPERATORS: Record<string, string> = {
  leftarrow: "←", gets: "←", rightarrow: "→", to: "→", cdot: "·", times: "×", le: "≤", leq: "≤", ge: "≥", geq: "≥", ne: "≠",
  neq: "≠", approx: "≈", sim: "∼", propto: "∝", pm: "±", in: "∈", sum: "∑", prod: "∏", ldots: "…", dots: "…", cdots: "⋯",
  lVert: "‖", rVert: "‖", Vert: "‖", "|": "‖", mid: "|", ll: "≪", gg: "≫", lceil: "⌈", rceil: "⌉", lfloor: "⌊", rfloor: "⌋",
};
const NAMES = new Set(["max", "min", "log", "ln", "exp", "sin", "cos", "tr", "Var", "E"]);

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function tokens(tex: string): string[] {
  return tex.match(/\\[A-Za-z]+|\\.|\d+(?:[.,]\d+)*|[A-Za-zͰ-Ͽ]|\S/g) ?? [];
}

class Reader {
  #at = 0;
  readonly #tokens: string[];
  constructor(tex: string) {
    this.#tokens = tokens(tex);
  }

  row(until?: string): string {
    const parts: string[] = [];
    while (this.#at < this.#tokens.length && this.#tokens[this.#at] !== until) parts.push(this.#scripted());
    this.#at++;
    return `<mrow>${parts.join("")}</mrow>`;
  }

  #scripted(): string {
    const base = this.#atom();
    let [below, above] = ["", ""];
    while (this.#tokens[this.#at] === "_" || this.#tokens[this.#at] === "^") {
      const isBelow = this.#tokens[this.#at++] === "_";
      const script = this.#atom();
      if (isBelow) below = script;
      else above = script;
    }
    if (below && above) return `<msubsup>${base}${below}${above}</msubsup>`;
    if (below) return `<msub>${base}${below}</msub>`;
    return above ? `<msup>${base}${above}</msup>` : base;
  }

  #text(): string {
    this.#at++;
    const words: string[] = [];
    while (this.#at < this.#tokens.length && this.#tokens[this.#at] !== "}") words.push(this.#tokens[this.#at++]!);
    this.#at++;
    return words.join("");
  }

  #atom(): string {
    const token = this.#tokens[this.#at++] ?? "";
    if (token === "{") return this.row("}");
    if (token === "'") return "<mo>′</mo>";
    if (token.startsWith("\\")) {
      const name = token.slice(1);
      if (name === "frac" || name === "tfrac") return `<mfrac>${this.#atom()}${this.#atom()}</mfrac>`;
      if (name === "sqrt") return `<msqrt>${this.#atom()}</msqrt>`;
      if (["text", "mathrm", "operatorname", "textrm"].includes(name)) return `<mtext>${escaped(this.#text())}</mtext>`;
      if (["mathbf", "boldsymbol", "mathbb", "mathcal"].includes(name)) return this.#atom();
      if (["hat", "tilde", "bar"].includes(name)) {
        const mark = { hat: "^", tilde: "~", bar: "¯" }[name as "hat"];
        return `<mover accent="true">${this.#atom()}<mo>${mark}</mo></mover>`;
      }
      if (["left", "right", "big", "Big", ",", ";", "!", " ", "quad"].includes(name)) return name === "quad" ? "<mspace width='1em'></mspace>" : "";
      if (SYMBOLS[name]) return `<mi>${SYMBOLS[name]}</mi>`;
      if (OPERATORS[name]) return `<mo>${OPERATORS[name]}</mo>`;
      if (NAMES.has(name)) return `<mi>${name}</mi>`;
      return `<mtext>${escaped(name)}</mtext>`;
    }
    if (/^\d/.test(token)) return `<mn>${token}</mn>`;
    if (/^[\p{L}]$/u.test(token)) return `<mi>${token}</mi>`;
    return `<mo>${token === "-" ? "−" : escaped(token)}</mo>`;
  }
}

export function formula(tex: string): string {
  return `<math>${new Reader(tex).row()}</math>`;
}
