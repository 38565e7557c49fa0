import fc from 'fast-check'
import t from 'tap'
import { Jid } from '../../../server/jid/jid.ts'
import {
  defineForm,
  type Form,
  readSubmission,
  renderForm,
  renderResult,
  renderTable,
} from '../../../server/protocol/data-form.ts'
import type { Field, FieldValue } from '../../../server/protocol/form-field.ts'
import { formIn, readForm, valueIn } from '../../../server/protocol/raw-form.ts'
import type { Element } from '../../../server/xml/element.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { anyElement, xmlText } from './arbitraries.ts'
import { refusal } from './refusal.ts'

const romeo = Jid.parse('romeo@montague.lit/orchard')
const juliet = Jid.parse('juliet@capulet.lit')

const bot = defineForm({
  type: 'jabber:bot',
  title: 'Bot Configuration',
  instructions: 'Fill out this form\nto configure your new bot!',
  fields: [
    { type: 'fixed', text: 'Section 1: Bot Info' },
    { type: 'text-single', var: 'botname', label: 'The name of your bot', maxChars: 20 },
    { type: 'text-multi', var: 'description', desc: 'What it does' },
    { type: 'boolean', var: 'public', label: 'Public bot?', required: true },
    { type: 'text-private', var: 'password' },
    {
      type: 'list-multi',
      var: 'features',
      options: [{ value: 'news', label: 'News' }, { value: 'search' }],
      default: ['news'],
    },
    {
      type: 'list-single',
      var: '{urn:example:bot}maxsubs',
      name: 'maxSubscribers',
      label: 'Most subscribers',
      options: [{ value: '20' }, { value: 'none', label: 'No limit' }],
      aliases: { unlimited: 'none' },
      default: '20',
    },
    { type: 'jid-single', var: 'owner' },
    { type: 'jid-multi', var: 'invitelist' },
    { type: 'hidden', var: 'token', default: 'abc' },
    { type: 'text-single', var: 'port', validation: { datatype: 'xs:integer', range: { min: 1, max: 65_535 } } },
    { type: 'text-single', var: 'since', validation: { datatype: 'xs:dateTime' } },
    { type: 'text-single', var: 'max_items', validation: { datatype: 'pubsub:integer-or-max', range: { min: 1 } } },
    {
      type: 'list-multi',
      var: 'groups',
      options: [{ value: 'Friends' }],
      validation: { datatype: 'xs:string', open: true },
    },
    { type: 'text-multi', var: 'urls', validation: { datatype: 'xs:string', open: true } },
  ],
})

const plain = (element: Element): string => element.toString().replaceAll('"', "'")
const x = (type: string, content: string): Element =>
  parseElement(`<x xmlns='jabber:x:data' type='${type}'>${content}</x>`)
const field = (name: string, ...values: readonly string[]): string =>
  `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`
const submit = (...fields: readonly string[]): Element => x('submit', fields.join(''))

t.test('asks for what was declared', async (t) => {
  const asked = plain(
    renderForm(bot, { botname: 'Joogle', maxSubscribers: 'none', description: 'It searches\nthe web', port: 80 }),
  )
  t.ok(
    asked.startsWith(
      "<x xmlns='jabber:x:data' type='form'><title>Bot Configuration</title>" +
        '<instructions>Fill out this form</instructions><instructions>to configure your new bot!</instructions>' +
        "<field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>" +
        "<field type='fixed'><value>Section 1: Bot Info</value></field>" +
        "<field type='text-single' var='botname' label='The name of your bot'><value>Joogle</value></field>",
    ),
    'head and order',
  )
  const parts: Readonly<Record<string, string>> = {
    'lines one by one':
      "<field type='text-multi' var='description'><desc>What it does</desc><value>It searches</value><value>the web</value></field>",
    required: "<field type='boolean' var='public' label='Public bot?'><required/></field>",
    'nothing where nothing is known': "<field type='text-private' var='password'/>",
    'a default, and options':
      "<field type='list-multi' var='features'><value>news</value>" +
      "<option label='News'><value>news</value></option><option><value>search</value></option></field>",
    'a value instead of its default':
      "<field type='list-single' var='{urn:example:bot}maxsubs' label='Most subscribers'><value>none</value>" +
      "<option><value>20</value></option><option label='No limit'><value>none</value></option></field>",
    'a hidden field': "<field type='hidden' var='token'><value>abc</value></field>",
    'a range':
      "<field type='text-single' var='port'><validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:integer'>" +
      "<range min='1' max='65535'/></validate><value>80</value></field>",
    'a datatype':
      "<field type='text-single' var='since'><validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:dateTime'>" +
      '<basic/></validate></field>',
    'an open list':
      "<field type='list-multi' var='groups'><validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'>" +
      '<open/></validate><option><value>Friends</value></option></field>',
  }
  for (const [title, part] of Object.entries(parts)) t.ok(asked.includes(part), title)
})

t.test('shows pictures in fields', async (t) => {
  const captcha = defineForm({
    fields: [
      {
        type: 'text-single',
        var: 'ocr',
        media: { uris: [{ type: 'image/png', uri: 'cid:sha1+f0@bob.xmpp.org' }], widthPixels: 290, heightPixels: 80 },
      },
    ],
  })
  t.equal(
    plain(renderForm(captcha)),
    "<x xmlns='jabber:x:data' type='form'><field type='text-single' var='ocr'>" +
      "<media xmlns='urn:xmpp:media-element' width='290' height='80'><uri type='image/png'>cid:sha1+f0@bob.xmpp.org</uri></media></field></x>",
  )
})

t.test('answers with the fields that have a value', async (t) => {
  t.equal(
    plain(renderResult(bot, { public: false, features: [], invitelist: [juliet, romeo], since: new Date(0) })),
    "<x xmlns='jabber:x:data' type='result'><title>Bot Configuration</title>" +
      '<instructions>Fill out this form</instructions><instructions>to configure your new bot!</instructions>' +
      "<field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>" +
      "<field type='boolean' var='public' label='Public bot?'><value>0</value></field>" +
      "<field type='jid-multi' var='invitelist'><value>juliet@capulet.lit</value><value>romeo@montague.lit/orchard</value></field>" +
      "<field type='text-single' var='since'><validate/><value>1970-01-01T00:00:00.000Z</value></field></x>".replace(
        '<validate/>',
        '',
      ),
  )
  const search = defineForm({
    title: 'Search: verona',
    fields: [
      { type: 'text-single', var: 'name', label: 'Name' },
      { type: 'jid-single', var: 'jid' },
    ],
  })
  t.equal(
    plain(renderTable(search, [{ name: 'Juliet', jid: juliet }, { name: 'Nurse' }])),
    "<x xmlns='jabber:x:data' type='result'><title>Search: verona</title>" +
      "<reported><field type='text-single' var='name' label='Name'/><field type='jid-single' var='jid'/></reported>" +
      "<item><field var='name'><value>Juliet</value></field><field var='jid'><value>juliet@capulet.lit</value></field></item>" +
      "<item><field var='name'><value>Nurse</value></field></item></x>",
  )
})

t.test('reads the submission of XEP-0004 §5.1', async (t) => {
  const submission = readSubmission(
    bot,
    submit(
      "<field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>",
      field('botname', 'The Jabber Bot'),
      field('description', 'This bot sends requests', "It' really cool!"),
      field('public', '0'),
      field('password', 'v3r0na'),
      field('features', 'news', 'search', 'news'),
      field('{urn:example:bot}maxsubs', '20'),
      field('invitelist', 'juliet@capulet.lit', 'benvolio@montague.lit', 'JULIET@capulet.lit'),
      field('sponsor', 'Peter'),
    ),
  )
  if (submission === 'cancel') throw new Error('nobody has cancelled')
  const { values } = submission
  // The declarations know the types: these lines are here to compile, too.
  const name: string | undefined = values.botname
  const most: '20' | 'none' | undefined = values.maxSubscribers
  const features: readonly ('news' | 'search')[] | undefined = values.features
  const port: number | undefined = values.port
  const most2: number | 'max' | undefined = values.max_items
  const urls: readonly string[] | undefined = values.urls
  t.same(
    [name, most, features, port, most2, urls],
    ['The Jabber Bot', '20', ['news', 'search'], undefined, undefined, undefined],
  )
  t.equal(values.description, "This bot sends requests\nIt' really cool!")
  t.equal(values.public, false)
  t.same(
    values.invitelist?.map((jid) => jid.full),
    ['juliet@capulet.lit', 'benvolio@montague.lit'],
    'nobody twice',
  )
  t.equal('owner' in values, false, 'what was left out is left out')
  t.same(submission.unknown, ['sponsor'])
  t.same(submission.cleared, [])
})

t.test('tells giving up from an empty form', async (t) => {
  t.equal(readSubmission(bot, x('cancel', '')), 'cancel')
  const room = defineForm({ type: 'muc', fields: [{ type: 'boolean', var: 'open' }] })
  t.same(readSubmission(room, x('submit', '')), { values: {}, cleared: [], unknown: [] })
})

const publicly = field('public', '1')
const one = (name: string, ...texts: readonly string[]): unknown => {
  const asked: Form = bot
  const submission = readSubmission(asked, submit(publicly, field(name, ...texts)))
  if (submission === 'cancel') throw new Error('nobody has cancelled')
  const { public: _, ...values } = submission.values
  return submission.cleared.length > 0 ? submission.cleared : values
}

t.test('reads each type of field', async (t) => {
  const cases: readonly (readonly [string, readonly string[], unknown])[] = [
    ['botname', [''], { botname: '' }],
    ['botname', [], { botname: '' }],
    ['description', [], { description: '' }],
    ['description', ['', 'a', ''], { description: '\na\n' }],
    ['features', [], { features: [] }],
    ['features', [''], { features: [] }],
    ['{urn:example:bot}maxsubs', ['unlimited'], { maxSubscribers: 'none' }],
    ['{urn:example:bot}maxsubs', [''], ['maxSubscribers']],
    ['{urn:example:bot}maxsubs', [], ['maxSubscribers']],
    ['owner', ['romeo@montague.lit/orchard'], { owner: romeo }],
    ['owner', [''], ['owner']],
    ['invitelist', ['', ''], { invitelist: [] }],
    ['token', ['xyz'], { token: 'xyz' }],
    ['port', ['5222'], { port: 5222 }],
    ['port', [''], ['port']],
    ['since', ['1969-07-20T21:56:15-05:00'], { since: new Date('1969-07-21T02:56:15Z') }],
    ['max_items', ['max'], { max_items: 'max' }],
    ['max_items', ['7'], { max_items: 7 }],
    ['groups', ['Friends', 'Foes'], { groups: ['Friends', 'Foes'] }],
    ['urls', ['http://a', '', 'http://b'], { urls: ['http://a', 'http://b'] }],
  ]
  for (const [name, texts, expected] of cases) t.same(one(name, ...texts), expected, `${name} ${texts.join('|')}`)
  for (const yes of ['1', 'true'])
    t.match(readSubmission(bot, submit(field('public', yes))), { values: { public: true } })
  for (const no of ['0', 'false'])
    t.match(readSubmission(bot, submit(field('public', no))), { values: { public: false } })
})

t.test('refuses what a field cannot hold, and says which', async (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [field('public', 'yes'), 'bad-request', /^Public bot\? \(public\) must be 0, 1, true or false$/],
    [field('public', '0', '1'), 'bad-request', /public/],
    [field('public'), 'bad-request', /public.* is required/],
    [field('botname', 'a'), 'bad-request', /public.* is required/],
    [publicly + field('botname', 'a', 'b'), 'bad-request', /botname.*one value only/],
    [publicly + field('botname', 'a'.repeat(21)), 'not-acceptable', /botname.*20 characters/],
    [publicly + field('features', 'news', 'polls'), 'not-acceptable', /^features must be one of the values/],
    [publicly + field('{urn:example:bot}maxsubs', '30'), 'not-acceptable', /maxsubs/],
    [publicly + field('{urn:example:bot}maxsubs', 'constructor'), 'not-acceptable', /maxsubs/],
    [publicly + field('{urn:example:bot}maxsubs', '20', 'none'), 'bad-request', /maxsubs/],
    [publicly + field('owner', '@@'), 'bad-request', /owner must be a valid address/],
    [publicly + field('owner', 'a@b', 'c@d'), 'bad-request', /owner/],
    [publicly + field('invitelist', 'a@b', '@@'), 'bad-request', /invitelist/],
    [publicly + field('token', 'a', 'b'), 'bad-request', /token/],
    [publicly + field('port', 'http'), 'not-acceptable', /port must be a whole number from 1 to 65535/],
    [publicly + field('port', '0'), 'not-acceptable', /port/],
    [publicly + field('port', '65536'), 'not-acceptable', /port/],
    [publicly + field('since', 'yesterday'), 'not-acceptable', /since must be a date/],
    [publicly + field('max_items', '0'), 'not-acceptable', /max_items must be "max" or a whole number, at least 1/],
    [publicly + publicly, 'bad-request', /two fields/],
    [field('FORM_TYPE', 'jabber:cat') + publicly, 'bad-request', /jabber:bot/],
    [field('FORM_TYPE', 'jabber:bot', 'jabber:cat') + publicly, 'bad-request', /FORM_TYPE/],
  ]
  for (const [content, condition, text] of cases) {
    const refused = refusal(() => readSubmission(bot, submit(content)))
    t.equal(refused?.condition, condition, content)
    t.match(refused?.text, text, content)
  }
  for (const [title, element] of [
    ['nothing', undefined],
    ['no form', parseElement("<x xmlns='jabber:x:oob'/>")],
    ['no type', parseElement("<x xmlns='jabber:x:data'/>")],
    ['a form that was not filled in', x('form', publicly)],
    ['a result', x('result', publicly)],
  ] as const) {
    t.equal(refusal(() => readSubmission(bot, element))?.condition, 'bad-request', title)
  }
})

t.test('a form can be put together at run time', async (t) => {
  const options: readonly Field[] = [
    { type: 'fixed', text: 'Access' },
    { type: 'boolean', var: 'muc#roomconfig_membersonly', name: 'members_only', default: false },
    { type: 'boolean', var: '{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites' },
  ]
  const room = defineForm({ type: 'http://jabber.org/protocol/muc#roomconfig', fields: options })
  const values: ReadonlyMap<string, FieldValue> = new Map([['members_only', true]])
  t.match(plain(renderForm(room, Object.fromEntries(values))), /membersonly'><value>1<\/value>/)
  const submission = readSubmission(room, submit(field('muc#roomconfig_membersonly', 'false')))
  t.same(submission, { values: { members_only: false }, cleared: [], unknown: [] })
  t.throws(() => defineForm({ fields: [...options, ...options] }), /same name/)
})

t.test('reads forms that nobody has declared', async (t) => {
  const form = readForm(
    x(
      'form',
      `<field type='hidden' var='FORM_TYPE'><value>a</value></field>${field('b', '1', '2')}<field type='fixed'/>`,
    ),
  )
  t.equal(form.action, 'form')
  t.equal(form.formType, 'a')
  t.same([...form.fields], [['b', { type: undefined, values: ['1', '2'] }]])
  t.equal(valueIn(form, 'b'), '1')
  t.equal(valueIn(form, 'c'), undefined)
  t.equal(readForm(x('result', field('FORM_TYPE', 'a'))).formType, undefined, 'not hidden (XEP-0068 §4.3)')
  t.equal(readForm(submit(field('FORM_TYPE', 'a'))).formType, 'a', 'a submission need not say so (XEP-0068 §5)')
  t.equal(readForm(submit('<y/><field var="b" xmlns="urn:example:b"/>')).fields.size, 0)
  t.equal(
    formIn(parseElement("<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='cancel'/></query>"))?.name,
    'x',
  )
})

t.test('what is shown and sent back is what was there', async () => {
  const text = xmlText.filter((value) => !value.includes('\r'))
  const address = fc.constantFrom(romeo, juliet)
  const values = fc.record(
    {
      botname: text.filter((value) => value.length <= 20),
      description: fc.array(text).map((lines) => lines.join('\n')),
      password: text,
      features: fc.uniqueArray(fc.constantFrom('news', 'search')),
      maxSubscribers: fc.constantFrom('20', 'none'),
      owner: address,
      invitelist: fc.uniqueArray(address, { selector: (jid) => jid.full }),
      token: text,
      port: fc.integer({ min: 1, max: 65_535 }),
      since: fc.date({ min: new Date(0), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true }),
      max_items: fc.oneof(fc.constant('max' as const), fc.integer({ min: 1 })),
      groups: fc.uniqueArray(text.filter((value) => value !== '')),
      urls: fc.array(text.filter((value) => value !== '' && !value.includes('\n'))),
    },
    { requiredKeys: ['features', 'maxSubscribers', 'token'] },
  )
  const blank = { botname: '', password: '', description: '', invitelist: [], groups: [], urls: [] }
  fc.assert(
    fc.property(values, fc.boolean(), (filled, isPublic) => {
      const shown = renderForm(bot, { ...filled, public: isPublic }).toString()
      const sent = parseElement(shown.replace(/type=(["'])form\1/, "type='submit'"))
      t.same(readSubmission(bot, sent), {
        values: { ...blank, ...filled, public: isPublic },
        cleared: ['owner', 'port', 'since', 'max_items'].filter((name) => !(name in filled)),
        unknown: [],
      })
    }),
  )
})

t.test('reads any element, or refuses it', async () => {
  const elements = anyElement(
    ['x', 'field', 'value', 'option', 'public', 'botname', 'owner', 'features', 'port'],
    ['jabber:x:data'],
  )
  const fields = fc.array(
    fc.tuple(
      fc.constantFrom('FORM_TYPE', ...bot.fields.flatMap((one) => ('var' in one ? one.var : []))),
      fc.array(xmlText, { maxLength: 2 }),
    ),
  )
  fc.assert(
    fc.property(elements, fields, (element, filled) => {
      refusal(() => readForm(element))
      refusal(() => readSubmission(bot, element))
      const contents = filled.map(([name, texts]) => field(name, ...texts.map((text) => text.replace(/[<&]/g, ''))))
      refusal(() => readSubmission(bot, submit(publicly, ...contents)))
    }),
  )
})
