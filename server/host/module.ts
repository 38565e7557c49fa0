/** How a module is declared. */
import type { Fields, OptionsOf } from '../config/types.ts'
import type { Maybe } from '../util/maybe.ts'
import type { Opened, StoreSpecs } from '../../storage/store.ts'
import type { ModuleHost, ModuleServer } from './host.ts'

/** What modules offer to each other, by name. Merged into by the modules themselves. */
export interface Services {}

export type ServiceName = keyof Services

/** Kinds of hosts: one with accounts, or one that is a service (`is: muc`, `is: pubsub`), be it another program (`is: component`). */
export type HostKind = 'local' | 'muc' | 'pubsub' | 'component'

interface Declaration<F extends Fields, S extends StoreSpecs> {
  /** As it is enabled in the configuration: `ping`. */
  readonly name: string
  /** In a few words, for lists of modules. */
  readonly about: string
  /** The extensions implemented, and up to which version. */
  readonly xeps?: { readonly [number: number]: string }
  /** RFCs implemented. */
  readonly rfcs?: readonly number[]
  readonly config?: F
  readonly stores?: S
}

/** What `setup` is given, by what was declared. */
export interface Given<F extends Fields, S extends StoreSpecs> {
  readonly config: OptionsOf<F>
  readonly stores: Opened<S>
}

export interface HostModule<F extends Fields, S extends StoreSpecs, D extends ServiceName, Service> extends Declaration<
  F,
  S
> {
  readonly scope: 'host'
  /** The kinds of hosts on which it runs unless the configuration says otherwise; none: only where it is asked for. */
  readonly on: readonly HostKind[]
  /** Modules whose services `setup` uses. They are set up first and torn down last. */
  readonly depends?: readonly D[]
  /**
   * Called once per host. Whatever is registered on `host` here is undone
   * when the module is unloaded; a module never unhooks.
   */
  setup(host: ModuleHost<D>, given: Given<F, S>): Maybe<Service | void>
}

export interface ServerModule<F extends Fields> extends Omit<Declaration<F, {}>, 'stores'> {
  readonly scope: 'server'
  /** True if it runs unless the configuration says otherwise. */
  readonly byDefault: boolean
  setup(server: ModuleServer, given: { readonly config: OptionsOf<F> }): Maybe<void>
}

export type AnyHostModule = HostModule<Fields, StoreSpecs, ServiceName, unknown>
export type AnyServerModule = ServerModule<Fields>
export type AnyModule = AnyHostModule | AnyServerModule

type Declared<M> = Omit<M, 'scope'>

/** Declares a module of a host. It does nothing; it lets TypeScript infer the parts from each other. */
export function defineModule<
  const F extends Fields = {},
  const S extends StoreSpecs = {},
  D extends ServiceName = never,
  Service = void,
>(module: Declared<HostModule<F, S, D, Service>>): HostModule<F, S, D, Service> {
  return { scope: 'host', ...module }
}

/** Declares a module of which there is one in the server: listeners, routes of http. */
export function defineServerModule<const F extends Fields = {}>(module: Declared<ServerModule<F>>): ServerModule<F> {
  return { scope: 'server', ...module }
}
