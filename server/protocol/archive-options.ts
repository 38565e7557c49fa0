/** Options that all archives have (XEP-0313). */
import { t } from '../config/types.ts'

/** How many messages are sent at once (XEP-0313 §4.3). */
export const pageOptions = {
  page: t
    .integer({ min: 1, max: 1000 })
    .default(50)
    .describe('Messages that are sent at once if a client does not say how many.'),
  max_page: t.integer({ min: 1, max: 1000 }).default(100).describe('Messages that are sent at once at most.'),
}
