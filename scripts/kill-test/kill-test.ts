/** Rounds of traffic, each ended by SIGKILL or, now and then, by a planned stop. */
import { setTimeout as pause } from 'node:timers/promises'
import { childServer } from '../../spec/support/child-server.ts'
import { withPostgres } from '../../spec/support/postgres.ts'
import { Dice } from './dice.ts'
import type { Account } from './ledger.ts'
import { CONFIG, Troupe } from './troupe.ts'

export interface KillTestOptions {
  readonly rounds: number
  readonly seed: number
  readonly storage: 'sqlite' | 'postgres'
  readonly say: (line: string) => void
}

export interface KillTestResult {
  acknowledged: number
  lost: number
  duplicated: number
  refused: number
  onlyArchived: number
}

/** A planned stop instead of a crash, for so many of the rounds: what is promised then is more. */
const PLANNED = 0.2

export async function killTest(options: KillTestOptions): Promise<KillTestResult> {
  if (options.storage === 'sqlite') return rounds(options, 'storage: { driver: sqlite }')
  return withPostgres((url) => rounds(options, `storage: { driver: postgres, url: ${JSON.stringify(url)} }`))
}

async function rounds({ rounds: count, seed, say }: KillTestOptions, storage: string): Promise<KillTestResult> {
  const dice = new Dice(seed)
  await using server = await childServer(`${storage}\n${CONFIG}`)
  const { tcp } = server.address
  if (tcp === undefined) throw new Error('the server listens nowhere')
  const troupe = new Troupe(tcp, dice)
  const total = { acknowledged: 0, lost: 0, duplicated: 0, refused: 0, onlyArchived: 0 }
  await server.start()
  await troupe.register()
  await troupe.gather()
  for (let round = 1; round <= count; round++) {
    const milliseconds = dice.between(40, 700)
    const end = dice.happens(PLANNED) ? ('stop' as const) : ('kill' as const)
    await troupe.play(pause(milliseconds).then(() => server[end]()))
    await server.start()
    const account = await troupe.gather()
    add(total, account)
    say(`${String(round).padStart(4)}  ${end} after ${String(milliseconds).padStart(3)} ms  ${inWords(account)}`)
    for (const fault of [...account.lost, ...account.duplicated]) say(`      ${fault}`)
  }
  troupe.leave()
  return total
}

function add(total: KillTestResult, { acknowledged, lost, duplicated, refused, onlyArchived }: Account): void {
  total.acknowledged += acknowledged
  total.lost += lost.length
  total.duplicated += duplicated.length
  total.refused += refused
  total.onlyArchived += onlyArchived
}

function inWords({ acknowledged, lost, duplicated, refused, onlyArchived }: Account): string {
  const rare = [
    refused > 0 ? `, ${refused} refused` : '',
    onlyArchived > 0 ? `, ${onlyArchived} only in the archive` : '',
  ].join('')
  return `${acknowledged} acknowledged, ${lost.length} lost, ${duplicated.length} duplicated${rare}`
}
