package mail

import "testing"

func TestRemoteID(t *testing.T) {
	for _, c := range []struct{ host, reply, want string }{
		{"Postfix", "250 2.0.0 Ok: queued as 4F1B2C03D4", "4F1B2C03D4"},
		{"Postfix, long IDs", "250 2.0.0 Ok: queued as 4ZzQxM2vWbz9sRd", "4ZzQxM2vWbz9sRd"},
		{"relay", "250 2.0.0 queued as 01KASM2V3Q8X9YJ5T7Z1B4C6D8", "01KASM2V3Q8X9YJ5T7Z1B4C6D8"},
		{"Amavis", "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9A8B7C6D5E", "9A8B7C6D5E"},
		{"a proxy before another", "250 2.0.0 Ok: queued as AAAA1111 (250 2.0.0 Ok: queued as BBBB2222)", "BBBB2222"},
		{"Yandex", "250 2.0.0 Ok: queued on mxfront12o.mail.yandex.net as 1431607845-a1b2c3", "1431607845-a1b2c3"},
		{"Proton", "250 2.0.0 Ok: 4821 bytes queued as 4Tq8Wz1Vz2z9s", "4Tq8Wz1Vz2z9s"},
		{"Exim", "250 OK id=1rXyZ2-0001Ab-3C", "1rXyZ2-0001Ab-3C"},
		{"GMX", "250 Requested mail action okay, completed: id=1MbiWs-1qK9Wn2mEa-00dGpx", "1MbiWs-1qK9Wn2mEa-00dGpx"},
		{"Google", "250 2.0.0 OK  1700000000 d9-20020a170902aa89b001c9d1si1234567plb.123 - gsmtp", "d9-20020a170902aa89b001c9d1si1234567plb.123"},
		{"Exchange", "250 2.6.0 <a1@acme.example> [InternalId=12345678901234, Hostname=AM0PR01MB1234.eurprd01.prod.exchangelabs.com] 12345 bytes in 0.123, 99.9 KB/sec Queued mail for delivery", "12345678901234"},
		{"Sendmail", "250 2.0.0 4AN0abCd012345 Message accepted for delivery", "4AN0abCd012345"},
		{"OpenSMTPD", "250 2.0.0 a1b2c3d4 Message accepted for delivery", "a1b2c3d4"},
		{"qmail", "250 ok 1700000000 qp 12345", "12345"},
		{"IronPort", "250 ok:  Message 123456789 accepted", "123456789"},
		{"Mimecast", "250 SmtpThread-1234567-1700000000000@uk-mta-1.uk.mimecast.lan Received OK [a1B2.uk1]", "SmtpThread-1234567-1700000000000@uk-mta-1.uk.mimecast.lan"},
		{"Haraka", "250 Message Queued (5F0E1D2C-3B4A.1)", "5F0E1D2C-3B4A.1"},
		{"Courier", "250 Ok. 000000000012A3B4.0000000065F1A2B3", "000000000012A3B4.0000000065F1A2B3"},
		{"SES", "250 Ok 0102018abcdef012-12345678-1234-1234-1234-123456789abc-000000", "0102018abcdef012-12345678-1234-1234-1234-123456789abc-000000"},

		{"Yahoo", "250 ok dirdel", ""},
		{"hMailServer", "250 Queued (0.031 seconds)", ""},
		{"Domino", "250 Message accepted for delivery", ""},
		{"T-Online", "250 2.0.0 Message accepted.", ""},
		{"MDaemon", "250 2.6.0 Ok, message saved", ""},
		{"bare", "250 OK", ""},
		{"a size", "250 OK 12345 bytes received", ""},
		{"a size and a time", "250 2.0.0 Ok 1523 octets in 0.3 s", ""},
		{"a size in a sentence", "250 2.6.0 Message queued (0.25s)", ""},
		{"a host", "250 2.0.0 mx01.b.example: Message accepted for delivery", ""},
		{"a session", "250 2.0.0 Ok, sessionid=4f1b2c03", ""},
		{"a count", "250 ok 1700000000", ""},
		{"empty", "", ""},
		{"not taken", "451 4.3.0 queued as 4F1B2C03D4 is what we would have said", ""},
		{"refused", "550 5.1.1 id=1rXyZ2-0001Ab-3C unknown", ""},
	} {
		if got := remoteID(c.reply); got != c.want {
			t.Errorf("%s: remoteID(%q) = %q, want %q", c.host, c.reply, got, c.want)
		}
	}
}
