// What passed and what failed, one line each.

export class Results {
  passed = 0;
  failed = 0;
  #name;
  #whole;

  constructor(name = "", whole = null) {
    this.#name = name;
    this.#whole = whole;
  }

  /** A part of these results, whose lines begin with its name. */
  part(name) {
    return new Results(`${name}: `, this);
  }

  /** `problems` is a list of sentences; none is a pass. */
  check(what, problems = []) {
    const lines = [`${problems.length === 0 ? "ok  " : "FAIL"} ${this.#name}${what}`, ...problems.map(indented)];
    console.log(lines.join("\n"));
    this.#count(problems.length === 0);
  }

  summary() {
    console.log(`\n${this.passed} passed, ${this.failed} failed`);
  }

  #count(passed) {
    if (passed) this.passed += 1;
    else this.failed += 1;
    this.#whole?.#count(passed);
  }
}

export function indented(text) {
  return String(text).trimEnd().replace(/^/gm, "       ");
}
