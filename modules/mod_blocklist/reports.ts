/** XEP-0377: Blocking Command Reports. Who is blocked for spam or abuse is made known to those who run the host. */
import { t } from '../../server/config/types.ts'
import type { Notice } from '../../server/host/hooks.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { forwardedElement } from '../../server/protocol/forward.ts'
import { TokenBucket } from '../../server/util/token-bucket.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { ArchiveStore } from '../../storage/store.ts'

const NS_REPORTING = 'urn:xmpp:reporting:1'

/** Somebody was blocked for a reason that others should know of. */
export interface Report {
  readonly reporter: Jid
  readonly jid: Jid
  /** A URN: `urn:xmpp:reporting:spam`, for instance (§4). */
  readonly reason: string
  /** What the reporter has to say about it. */
  readonly text: string | undefined
  /** The `<report/>`: it also says who may process it (§5). */
  readonly element: Element
  /** The messages that it is about, as they were archived. */
  readonly messages: readonly Stanza[]
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** A client has blocked somebody and reports them. */
    'spam/reported': Notice<Report>
  }
}

export interface Reports {
  /** Takes the report in an item of a block request, if there is one. */
  read(reporter: Jid, jid: Jid, item: Element): void
}

export interface ReportOptions {
  /** Who is told; the admins of the host if nobody. */
  readonly recipients: readonly Jid[]
  /** How long reports are kept. */
  readonly keptSeconds: number
}

export function setupReports(
  host: ModuleHost<'roster'>,
  store: ArchiveStore,
  { recipients, keptSeconds }: ReportOptions,
): Reports {
  const bucket = host.accountSlot('reports', () => new TokenBucket(REPORTS, host.clock.now()))

  host.feature(NS_REPORTING)
  host.on('spam/reported', (report) => host.spawn('keep a report', () => keep(report)))

  host.every('hour', 'expire reports', async () => {
    if (keptSeconds === Infinity) return
    await store.remove(OWNER, { end: new Date(host.clock.now() - keptSeconds * 1000) })
  })

  host.command({
    name: 'report list',
    about: 'lists the latest reports of spam and abuse',
    role: 'admin',
    args: { count: t.integer({ min: 1, max: 1000 }).default(20).describe('How many.') },
    run: async ({ count }, print) => {
      const items = await store.find(OWNER, { limit: count, newestFirst: true })
      for (const { when, stanza } of items)
        print(`${when.toISOString()} ${Stanza.parse(stanza).childText('body') ?? ''}`)
    },
  })

  return { read }

  function read(reporter: Jid, jid: Jid, item: Element): void {
    const element = item.child('report', NS_REPORTING)
    const reason = element?.attrs['reason']
    // Whoever does not say why has blocked, but not reported (§4).
    if (element === undefined || reason === undefined) return
    const account = host.account(reporter.bare)
    if (account === undefined || !bucket(account).tryTake(1, host.clock.now())) return
    host.spawn('read a report', async () => {
      const messages = await messagesIn(element, reporter)
      const text = element.child('text')?.getText().trim() || undefined
      host.announce('spam/reported', { reporter: reporter.toBare(), jid, reason, text, element, messages })
    })
  }

  /** The reporter names them as its archive does (§6). */
  async function messagesIn(report: Element, reporter: Jid): Promise<readonly Stanza[]> {
    const archive = host.optionalService('mam')
    if (archive === undefined) return []
    const ids = report.elements
      .filter(({ name, ns, attrs }) => name === 'stanza-id' && ns === NS.sid && attrs['by'] === reporter.bare)
      .map(({ attrs }) => attrs['id'])
      .filter((id) => id !== undefined)
    const items = await Promise.all(ids.slice(0, MOST_MESSAGES).map((id) => archive.get(reporter.node ?? '', id)))
    return items.filter((item) => item !== undefined).map(({ stanza }) => Stanza.parse(stanza))
  }

  async function keep(report: Report): Promise<void> {
    const stanza = messageAbout(report)
    const { stored } = store.append(OWNER, {
      when: new Date(host.clock.now()),
      with: report.jid.full,
      stanza: stanza.toString(),
    })
    await stored
    host.log.info('somebody was reported', { jid: report.reporter.bare, peer: report.jid.full })
    for (const to of recipients.length > 0 ? recipients : host.admins) {
      await host.sendTo(to, stanza.with({ to: to.bare }), host.jid)
    }
  }

  function messageAbout({ reporter, jid, reason, text, element, messages }: Report) {
    const kind = reason.replace('urn:xmpp:reporting:', '')
    const body = `${reporter.bare} has reported ${jid.full} for ${kind}${text === undefined ? '' : `: ${text}`}`
    const forwarded = messages.map((stanza) => forwardedElement(stanza))
    return message({ from: host.domain }, xml('body', {}, body), element, ...forwarded)
  }
}

/** Reports belong to the host. */
const OWNER = ''
/** Messages that are looked up for one report. */
const MOST_MESSAGES = 10
/** Of one account; whoever reports more often has only blocked. */
const REPORTS = { perSecond: 1 / 60, burst: 20 }
