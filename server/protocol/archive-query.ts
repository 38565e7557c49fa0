/** XEP-0313 §4: Message Archive Management. What is asked of an archive, whosever it is. */
import { SEARCH_CHARS } from '../../storage/archive-filter.ts'
import type { Jid } from '../jid/jid.ts'
import { StanzaError } from '../stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { defineForm, readSubmission, renderForm } from './data-form.ts'
import { formIn } from './raw-form.ts'
import { NS_FULLTEXT } from './archive-text.ts'
import { type PageRequest, readPageRequest } from './rsm.ts'

/** Servers with this feature know metadata, flipped pages, and all fields of the form (§7). */
export const NS_MAM_EXTENDED = `${NS.mam}#extended`

/** What somebody wants to see of an archive: all of it, but for what is given. */
export interface ArchiveRequest {
  /** Repeated with each result (§4). */
  readonly queryId: string | undefined
  /** Exchanged with this address; a bare JID stands for all its resources (§4.1.1). */
  readonly with: Jid | undefined
  /** Not earlier, and not later (§4.1.2). */
  readonly start: Date | undefined
  readonly end: Date | undefined
  /** Between these, and only these (§4.1.3). */
  readonly afterId: string | undefined
  readonly beforeId: string | undefined
  readonly ids: readonly string[] | undefined
  /** Has these words (XEP-0431). */
  readonly text: string | undefined
  readonly page: PageRequest | undefined
  /** The newest of the page first (§4.3.4). */
  readonly isFlipped: boolean
}

/** Reads the `<query/>` of a request. Throws StanzaError for what cannot be understood. */
export function readArchiveQuery(query: Element): ArchiveRequest {
  const queryId = query.attrs['queryid']
  // It comes back with every message of the page.
  if (queryId !== undefined && queryId.length > QUERY_ID_CHARS) throw new StanzaError('bad-request', 'queryid is long')
  const page = readPageRequest(query)
  if (page?.index !== undefined) {
    throw new StanzaError('feature-not-implemented', 'Pages of an archive are told by the ids of messages')
  }
  const values = readFields(formIn(query))
  if (values.ids !== undefined && values.ids.length > MOST_IDS) {
    throw new StanzaError('not-acceptable', `At most ${MOST_IDS} ids at once`)
  }
  if (values.text !== undefined && values.text.length > SEARCH_CHARS) {
    throw new StanzaError('not-acceptable', `At most ${SEARCH_CHARS} characters to search for`)
  }
  return {
    queryId,
    with: values.with,
    start: values.start,
    end: values.end,
    afterId: values.afterId,
    beforeId: values.beforeId,
    ids: values.ids,
    // An empty one is none (XEP-0431 §2.2).
    text: values.text || undefined,
    page,
    isFlipped: query.child('flip-page') !== undefined,
  }
}

/** The answer to whoever wants to know which fields there are (§4.1.5). */
export function archiveFormElement(): Element {
  return xml('query', { xmlns: NS.mam }, renderForm(form))
}

const form = defineForm({
  type: NS.mam,
  fields: [
    { type: 'jid-single', var: 'with' },
    { type: 'text-single', var: 'start', validation: { datatype: 'xs:dateTime' } },
    { type: 'text-single', var: 'end', validation: { datatype: 'xs:dateTime' } },
    { type: 'text-single', var: 'before-id', name: 'beforeId' },
    { type: 'text-single', var: 'after-id', name: 'afterId' },
    { type: 'list-multi', var: 'ids', options: [], validation: { datatype: 'xs:string', open: true } },
    { type: 'text-single', var: `{${NS_FULLTEXT}}fulltext`, name: 'text' },
  ],
})

function readFields(x: Element | undefined) {
  if (x === undefined) return {}
  const submission = readForm(x)
  if (submission === 'cancel') throw new StanzaError('bad-request', 'The data form must be of type submit')
  const [stranger] = submission.unknown
  if (stranger !== undefined) throw new StanzaError('feature-not-implemented', `There is no field ${stranger}`)
  return submission.values
}

/** What a field does not accept makes the whole request a bad one. */
function readForm(x: Element) {
  try {
    return readSubmission(form, x)
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    throw new StanzaError('bad-request', error.text, { cause: error })
  }
}

/** More than any client makes them long. */
const QUERY_ID_CHARS = 1024
/** More than a page holds. */
const MOST_IDS = 500
