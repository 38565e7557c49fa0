/** XEP-0198 §5: what a client learns from a server whose predecessor was killed, and what waits for it. */
import t from 'tap'
import { childServer } from '../../support/child-server.ts'
import { Wire } from '../../support/wire.ts'

const SM = 'urn:xmpp:sm:3'
const CONFIG = `
storage: { driver: sqlite }
modules: { register: { open: true, per_hour: 100 } }
hosts: { localhost: {}, plain.localhost: { modules: { mam: false } } }
`

t.setTimeout(60_000)

for (const domain of ['localhost', 'plain.localhost']) {
  t.test(`of sessions of ${domain}`, async (t) => {
    await using server = await childServer(CONFIG)
    const { tcp } = server.address
    if (tcp === undefined) throw new Error('the server listens nowhere')
    const connect = (): Wire => new Wire(tcp)
    const chat = (id: string): string =>
      `<message to='juliet@${domain}' type='chat' id='${id}'><body>${id}</body></message>`

    await server.start()
    for (const node of ['romeo', 'juliet']) {
      const wire = connect()
      await wire.open(undefined, domain)
      const fields = `<username>${node}</username><password>secret</password>`
      wire.write(`<iq type='set' id='r'><query xmlns='jabber:iq:register'>${fields}</query></iq>`)
      await wire.until(/type='result'/)
      wire.drop()
    }

    const juliet = connect()
    await juliet.enter('juliet', 'secret', 'balcony', domain)
    const ofJuliet = await juliet.manage()
    juliet.write('<presence/>')
    await juliet.until(/<presence/)
    // Her line is dead, and nobody knows.
    const romeo = connect()
    await romeo.enter('romeo', 'secret', 'orchard', domain)
    const ofRomeo = await romeo.manage()
    romeo.write(`${chat('one')}<presence/>${chat('two')}<r xmlns='${SM}'/>`)
    await romeo.until(/<a [^>]*h='3'/)
    juliet.drop()
    romeo.write(`${chat('three')}<r xmlns='${SM}'/>`)
    await romeo.until(/<a [^>]*h='4'/)
    await server.kill()
    romeo.drop()

    await server.start()
    const again = connect()
    await again.authenticate('romeo', 'secret', domain)
    again.write(`<resume xmlns='${SM}' previd='${ofRomeo}' h='0'/>`)
    t.match(await again.until(/<failed[^]*<\/failed>/), /h='4'[^]*item-not-found/, 'he need not send anything again')
    again.drop()

    const back = connect()
    await back.authenticate('juliet', 'secret', domain)
    back.write(`<resume xmlns='${SM}' previd='${ofJuliet}' h='1'/>`)
    t.match(await back.until(/<failed[^]*<\/failed>/), /item-not-found/)
    back.drop()

    const anew = connect()
    await anew.enter('juliet', 'secret', 'balcony', domain)
    await anew.manage()
    anew.write('<presence/>')
    if (domain === 'localhost') {
      // Whether the server knew that her line was dead decides whether they were kept for later as well.
      anew.write(`<iq type='set' id='m'><query xmlns='urn:xmpp:mam:2'/></iq>`)
      t.match(await anew.until(/id='m'[^]*?<\/iq>/), /id='one'[^]*id='two'[^]*id='three'/, 'she misses nothing')
      anew.drop()
      return
    }
    t.match(await anew.until(/id='three'[^]*?<\/message>/), /id='one'[^]*id='two'[^]*id='three'/, 'she misses nothing')
    anew.write(`<a xmlns='${SM}' h='4'/><iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
    t.notMatch(await anew.until(/id='p'[^>]*>/), /<message/, 'and gets nothing twice')
    anew.write('</stream:stream>')
    await anew.until(/<\/stream:stream>/)

    const third = connect()
    await third.enter('juliet', 'secret', 'balcony', domain)
    third.write(`<presence/><iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
    t.notMatch(await third.until(/id='p'[^>]*>/), /<message/, 'nor later')
    third.drop()
  })
}
