/** XEP-0494 §3.1: a client as its owner is told of it. */
import { formatDateTime } from '../../server/protocol/date-time.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import type { Device } from './devices.ts'

export const NS_CAM = 'urn:xmpp:cam:0'

export function clientElement(device: Device): Element {
  const { id, software, firstSeen, lastSeen, hasPassword, hasGrant, hasTokens, hadSession, sessions } = device
  // What somebody else has granted does not reach to the account itself (XEP-0493 §3).
  const status = hasGrant && !hasPassword && !hasTokens ? 'normal' : 'unrestricted'
  return xml(
    'client',
    { id, connected: String(sessions.length > 0), type: hadSession ? 'session' : 'access' },
    xml('first-seen', {}, formatDateTime(new Date(firstSeen))),
    xml('last-seen', {}, formatDateTime(new Date(lastSeen))),
    xml('auth', {}, hasPassword && xml('password', {}), hasGrant && xml('grant', {}), hasTokens && xml('fast', {})),
    xml('permission', { status }),
    xml(
      'user-agent',
      {},
      software !== undefined && xml('software', {}, software),
      device.device !== undefined && xml('device', {}, device.device),
    ),
  )
}
