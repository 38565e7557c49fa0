/** All modules, each loaded when first asked for: written out, so that the single executable holds them. */
import type { AnyModule } from '../server/host/module.ts'

/** By the name of the file or folder. */
export const catalogue: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  mod_account_commands: () => import('./mod_account_commands.ts'),
  mod_account_reports: () => import('./mod_account_reports.ts'),
  mod_accounts: () => import('./mod_accounts.ts'),
  mod_adhoc: () => import('./mod_adhoc/index.ts'),
  mod_bind: () => import('./mod_bind.ts'),
  mod_blocklist: () => import('./mod_blocklist/index.ts'),
  mod_bookmarks: () => import('./mod_bookmarks.ts'),
  mod_caps: () => import('./mod_caps.ts'),
  mod_carbons: () => import('./mod_carbons.ts'),
  mod_clients: () => import('./mod_clients/index.ts'),
  mod_contact_info: () => import('./mod_contact_info.ts'),
  mod_csi: () => import('./mod_csi/index.ts'),
  mod_disco: () => import('./mod_disco.ts'),
  mod_groups: () => import('./mod_groups/index.ts'),
  mod_idle: () => import('./mod_idle.ts'),
  mod_iq: () => import('./mod_iq.ts'),
  mod_last: () => import('./mod_last.ts'),
  mod_limits: () => import('./mod_limits.ts'),
  mod_lookalikes: () => import('./mod_lookalikes/index.ts'),
  mod_mam: () => import('./mod_mam/index.ts'),
  mod_message: () => import('./mod_message.ts'),
  mod_muc: () => import('./mod_muc/index.ts'),
  mod_muc_activity: () => import('./mod_muc_activity.ts'),
  mod_muc_hats: () => import('./mod_muc_hats.ts'),
  mod_muc_mam: () => import('./mod_muc_mam/index.ts'),
  mod_muc_members: () => import('./mod_muc_members/index.ts'),
  mod_muc_moderation: () => import('./mod_muc_moderation/index.ts'),
  mod_muc_rai: () => import('./mod_muc_rai.ts'),
  mod_muc_search: () => import('./mod_muc_search.ts'),
  mod_muc_slow_mode: () => import('./mod_muc_slow_mode.ts'),
  mod_muc_unique: () => import('./mod_muc_unique.ts'),
  mod_muc_wishes: () => import('./mod_muc_wishes.ts'),
  mod_oauth: () => import('./mod_oauth/index.ts'),
  mod_offline: () => import('./mod_offline.ts'),
  mod_pep: () => import('./mod_pep/index.ts'),
  mod_ping: () => import('./mod_ping.ts'),
  mod_presence: () => import('./mod_presence/index.ts'),
  mod_private: () => import('./mod_private.ts'),
  mod_pubsub: () => import('./mod_pubsub/index.ts'),
  mod_push: () => import('./mod_push/index.ts'),
  mod_register: () => import('./mod_register/index.ts'),
  mod_roster: () => import('./mod_roster/index.ts'),
  mod_sasl2: () => import('./mod_sasl2/index.ts'),
  mod_saslauth: () => import('./mod_saslauth/index.ts'),
  mod_smacks: () => import('./mod_smacks/index.ts'),
  mod_time: () => import('./mod_time.ts'),
  mod_tls: () => import('./mod_tls.ts'),
  mod_tombstones: () => import('./mod_tombstones.ts'),
  mod_unified_push: () => import('./mod_unified_push/index.ts'),
  mod_vcard: () => import('./mod_vcard.ts'),
  mod_vcard4: () => import('./mod_vcard4.ts'),
  mod_vcard_legacy: () => import('./mod_vcard_legacy/index.ts'),
  mod_version: () => import('./mod_version.ts'),
  mod_websocket: () => import('./mod_websocket.ts'),
}

/** Loads them all: their declarations are needed to check a configuration. */
export async function allModules(): Promise<readonly AnyModule[]> {
  const loaded = await Promise.all(Object.values(catalogue).map((load) => load()))
  // Each file of the catalogue exports what `defineModule` or `defineServerModule` gave it.
  return loaded.map((module) => module.default as AnyModule)
}
