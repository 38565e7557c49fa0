import fc from 'fast-check'
import t from 'tap'
import { formatDateTime, parseDateTime } from '../../../server/protocol/date-time.ts'
import { parseBoolean, parseInteger } from '../../../server/protocol/xsd.ts'

t.test('reads the dates of XEP-0082, whatever their zone', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['1969-07-21T02:56:15Z', '1969-07-21T02:56:15.000Z'],
    ['1969-07-20T21:56:15-05:00', '1969-07-21T02:56:15.000Z'],
    ['2003-10-06T11:22:00.5-07:00', '2003-10-06T18:22:00.500Z'],
    ['2024-02-29T23:59:59.9999999999+14:00', '2024-02-29T09:59:59.999Z'],
    ['2010-07-10T23:08:25.07+00:00', '2010-07-10T23:08:25.070Z'],
    ['0050-01-01T00:00:00Z', '0050-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ]
  for (const [text, instant] of cases) t.equal(parseDateTime(text)?.toISOString(), instant, text)
})

t.test('takes nothing else for a date', async (t) => {
  const texts = [
    '',
    '1776-07-04',
    '2002-09-10T23:08:25',
    '20020910T23:08:25',
    '20020910T23:08:25Z',
    '2002-09-10 23:08:25Z',
    '2002-09-10T23:08Z',
    '2002-09-10t23:08:25z',
    '2002-09-10T23:08:25.Z',
    '2002-09-10T23:08:25+0200',
    '2002-09-10T23:08:25+02:60',
    '2002-09-10T23:08:25+14:01',
    '2002-09-10T24:00:00Z',
    '2002-09-10T23:60:00Z',
    '2002-12-31T23:59:60Z',
    '2002-02-29T00:00:00Z',
    '2002-04-31T00:00:00Z',
    '2002-13-01T00:00:00Z',
    '2002-00-10T00:00:00Z',
    '2002-09-00T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '12002-09-10T23:08:25Z',
    '-2002-09-10T23:08:25Z',
    ' 2002-09-10T23:08:25Z',
    '2002-09-10T23:08:25Z\n',
    '٢٠٠٢-09-10T23:08:25Z',
  ]
  for (const text of texts) t.equal(parseDateTime(text), undefined, JSON.stringify(text))
})

t.test('what is written is read again', async () => {
  const instants = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  fc.assert(fc.property(instants, (instant) => parseDateTime(formatDateTime(instant))?.getTime() === instant.getTime()))
})

t.test('reads plain values as XML Schema writes them', async (t) => {
  for (const text of ['1', 'true', ' true\n']) t.equal(parseBoolean(text), true, JSON.stringify(text))
  for (const text of ['0', 'false']) t.equal(parseBoolean(text), false, text)
  for (const text of ['', 'True', 'yes', '2', '01', 'constructor']) t.equal(parseBoolean(text), undefined, text)

  t.equal(parseInteger('10'), 10)
  t.equal(parseInteger('+010'), 10)
  t.equal(parseInteger('\n -3 '), -3)
  t.ok(Object.is(parseInteger('-0'), 0))
  for (const text of [
    '',
    ' ',
    '1.0',
    '1e3',
    '0x10',
    '1_000',
    '1 000',
    '--1',
    'NaN',
    'Infinity',
    '٣',
    '9007199254740993',
  ]) {
    t.equal(parseInteger(text), undefined, JSON.stringify(text))
  }
  t.equal(parseInteger('5', { min: 5, max: 5 }), 5)
  t.equal(parseInteger('4', { min: 5 }), undefined)
  t.equal(parseInteger('6', { max: 5 }), undefined)
})
