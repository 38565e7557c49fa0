/** A whole configuration: read, checked, and seen by host and module. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Jid } from '../jid/jid.ts'
import { check, type Checked } from './check.ts'
import { ConfigReader } from './config-reader.ts'
import { readDocument } from './document.ts'
import type { ModuleDeclaration } from './modules-section.ts'
import { entriesOf } from './node.ts'
import type { Fields, OptionsOf, Surroundings } from './option.ts'
import { serverFields, type ServerOptions } from './server-options.ts'

/** `Kind` are the kinds of hosts without accounts: `muc`. */
export interface Config<Kind extends string = string> {
  readonly server: ServerOptions
  /** The modules that run once in the server, and their options. */
  readonly modules: ModuleOptions
  readonly hosts: readonly HostConfig<Kind>[]
}

export interface HostConfig<Kind extends string = string> {
  readonly domain: string
  readonly kind: 'local' | Kind
  /** Those of the server among them. */
  readonly admins: readonly Jid[]
  /** Whether guests may log in. */
  readonly anonymous: boolean
  /** The certificate that the host has of its own. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  /** The modules that run here, and their options. */
  readonly modules: ModuleOptions
}

/** By name of module; in the order of declaration. */
export type ModuleOptions = ReadonlyMap<string, OptionsOf<Fields>>

/** What can be configured. */
export interface Declarations<Kind extends string = string> {
  readonly modules: readonly ModuleDeclaration[]
  /** Kinds of hosts without accounts, each made by the module of that name: beside `is: muc` stand the options of `muc`. */
  readonly components: readonly Kind[]
}

export interface ConfigSource<Kind extends string = string> extends Declarations<Kind> {
  /** As problems name it. Relative paths in it begin at its folder. */
  readonly file: string
  /** Undefined if there is no file: everything is as declared then, and the host is `localhost`. */
  readonly text: string | undefined
  /** Where secrets are fetched from; this process and its files unless given. */
  readonly outside?: Outside
}

export type Outside = Omit<Surroundings, 'folder'>

/** All problems at once. Throws only if two declarations are at odds with each other. */
export function loadConfig<const Kind extends string>(source: ConfigSource<Kind>): Checked<Config<Kind>> {
  const { root, problems } = readDocument(source.file, source.text ?? '')
  if (problems.length > 0) return { problems }
  return new ConfigReader(source, surroundingsOf(source)).read(root)
}

/** The folders of modules that a config names: they have to be searched before it can be checked. */
export function pluginPathsOf(source: Pick<ConfigSource, 'file' | 'text' | 'outside'>): readonly string[] {
  const { root } = readDocument(source.file, source.text ?? '')
  const node = entriesOf(root).get('plugin_paths')?.node
  if (node === undefined) return []
  const checked = check(serverFields.plugin_paths, node, surroundingsOf(source))
  return 'ok' in checked ? checked.ok : []
}

function surroundingsOf({ file, outside }: Pick<ConfigSource, 'file' | 'outside'>): Surroundings {
  const ofProcess: Outside = { env: process.env, readFile: (path) => readFileSync(path, 'utf8') }
  return { ...(outside ?? ofProcess), folder: dirname(resolve(file)) }
}
