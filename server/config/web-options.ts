/** What modules for web clients have in common. */
import { t } from './types.ts'

export const webOptions = {
  origins: t
    .list(t.string())
    .default([])
    .describe('Web sites whose pages may connect, such as https://chat.example.org; none means all.'),
  trusted_proxies: t
    .list(t.network())
    .default(['127.0.0.0/8', '::1'])
    .describe(
      'Proxies that are believed who a client is (X-Forwarded-For) and whether it uses TLS (X-Forwarded-Proto).',
    ),
}
