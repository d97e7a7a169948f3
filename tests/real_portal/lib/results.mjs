// What passed and what failed, one line each.

export class Results {
  passed = 0;
  failed = 0;

  ok(line) {
    this.passed += 1;
    console.log(`ok   ${line}`);
  }

  fail(line, ...details) {
    this.failed += 1;
    console.log(`FAIL ${line}`);
    for (const detail of details) console.log(indented(detail));
  }

  /** `problems` is a list of sentences; an empty one passes. */
  check(line, problems) {
    if (problems.length === 0) this.ok(line);
    else this.fail(line, ...problems);
  }

  summary() {
    console.log(`\n${this.passed} passed, ${this.failed} failed`);
  }
}

export function indented(text) {
  return String(text).trimEnd().replace(/^/gm, "       ");
}
