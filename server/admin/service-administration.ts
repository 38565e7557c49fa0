/** XEP-0133: Service Administration. Where clients look for commands that have a place there, and what their forms are called. */
import { defineForm, renderResult } from '../protocol/data-form.ts'
import type { Field, ValuesOf } from '../protocol/form-field.ts'
import type { Element } from '../xml/element.ts'
import type { AdHocProfile } from './command.ts'

const ADMIN = 'http://jabber.org/protocol/admin'

/** The profile of a command by the last part of its node: `add-user`. */
export function administration(node: string, profile: Omit<AdHocProfile, 'node' | 'formType'> = {}): AdHocProfile {
  return { node: `${ADMIN}#${node}`, formType: ADMIN, ...profile }
}

/** What such a command has found out (XEP-0133 §4.8 and further). */
export function administrationResult<const F extends readonly Field[]>(
  fields: F,
  values: Partial<ValuesOf<F>>,
): Element {
  return renderResult(defineForm({ type: ADMIN, fields }), values)
}
