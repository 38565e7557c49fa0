/** What `npm test` makes of the output of tap's runner: every way in which a spec can fail is counted. */

import t from 'tap'
import { TapLines } from '../../scripts/test/tap-lines.ts'

function read(files: readonly string[], output: string, exitCode: number) {
  const printed: string[] = []
  const lines = new TapLines((line) => printed.push(line))
  for (const line of output.split('\n')) lines.take(line)
  return { ...lines.outcome(files, exitCode), printed: printed.join('\n') }
}

const passing = `# Subtest: spec/a.spec.ts
    # Subtest: one
        ok 1 - should be equal
        1..1
    ok 1 - one # time=3.651ms
    1..1
ok 1 - spec/a.spec.ts # time=1011.313ms
`

t.test('what passes is one line', async (t) => {
  const result = read(['spec/a.spec.ts'], `${passing}\n# { total: 1, pass: 1 }`, 0)
  t.same(result, { passed: 1, failed: 0, printed: '  1.01  spec/a.spec.ts' })
})

t.test('of what fails, the path to it and its diagnostics are kept', async (t) => {
  const output = `${passing}# Subtest: spec/b.spec.ts
    # Subtest: good
        ok 1 - fine
        1..1
    ok 1 - good
    # Subtest: bad
        ok 1 - fine
        not ok 2 - compares
          ---
          diff: |
            not ok 3 - only text
          ...
        # a comment
        1..2
    not ok 2 - bad # time=2ms
      ---
      at: somewhere
      ...
    1..2
not ok 2 - spec/b.spec.ts # time=20ms
  ---
  exitCode: 1
  signal: null
  ...

# { total: 5, pass: 4, fail: 1 }`
  const { passed, failed, printed } = read(['spec/a.spec.ts', 'spec/b.spec.ts'], output, 1)
  t.same([passed, failed], [4, 1])
  t.equal(
    printed,
    `  1.01  spec/a.spec.ts
FAILED  spec/b.spec.ts
        # Subtest: bad
            not ok 2 - compares
              ---
              diff: |
                not ok 3 - only text
              ...
            # a comment
        not ok 2 - bad # time=2ms`,
  )
})

t.test('a spec without a test has failed', async (t) => {
  const output = `# Subtest: spec/a.spec.ts
    1..0 # no tests found
ok 1 - spec/a.spec.ts # SKIP no tests found
# { total: 1, pass: 0, skip: 1 }`
  t.match(read(['spec/a.spec.ts'], output, 0), { passed: 0, failed: 1, printed: /has no test/ })
})

t.test('a spec that was killed has failed, and by what', async (t) => {
  const output = `# Subtest: spec/a.spec.ts
    1..0 # no tests found
not ok 1 - spec/a.spec.ts # time=445.544ms
  ---
  exitCode: null
  signal: SIGKILL
  ...
# { total: 1, pass: 0, fail: 1 }`
  t.match(read(['spec/a.spec.ts'], output, 1), { failed: 1, printed: /SIGKILL/ })
})

t.test('a spec that the runner lost has failed', async (t) => {
  const output = `${passing}\n# { total: 1, pass: 1 }`
  t.match(read(['spec/a.spec.ts', 'spec/b.spec.ts'], output, 0), { passed: 1, failed: 1, printed: /b\.spec\.ts/ })
})

t.test('a runner that ends badly, or says nothing, has failed', async (t) => {
  t.match(read([], `${passing}\n# { total: 1, pass: 1 }`, 1), { passed: 1, failed: 1 })
  t.match(read([], '', 0), { passed: 0, failed: 1 })
})
