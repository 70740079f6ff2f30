from tests.exporter.protocols.conversing import STEP, Kept, Step, client, converse, copied, server
from tests.exporter.protocols.samples_smtp import ENVELOPE, MESSAGE

GREETED = (server(b"220 mx ESMTP\r\n"), client(b"EHLO x\r\n"), server(b"250 mx\r\n"))
ACCEPTED = server(b"250 Ok\r\n250 Ok\r\n354 Go\r\n")
QUIT = (client(b"QUIT\r\n"), server(b"221 Bye\r\n"))


def pairs(kept: Kept) -> list[tuple[str, str]]:
    return list(zip(kept.requests(), kept.statuses(), strict=True))


def test_message_belongs_to_its_command_and_lasts_until_its_end() -> None:
    kept = converse((*GREETED, client(ENVELOPE + b"DATA\r\n"), ACCEPTED, client(MESSAGE), server(b"250 Ok\r\n"), *QUIT))
    assert pairs(kept)[3:] == [("DATA", "250"), ("QUIT", "221")]
    assert kept.exchanges[3].request is not None
    assert kept.exchanges[3].request.size_bytes == len(b"DATA\r\n" + MESSAGE)


def test_lines_of_a_message_are_no_commands() -> None:
    text = b"QUIT\r\nRSET\r\n..\r\n.hidden\r\n.\r\n"
    kept = converse((*GREETED, client(ENVELOPE + b"DATA\r\n"), ACCEPTED, client(text), server(b"250 Ok\r\n"), *QUIT))
    assert kept.requests() == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


def test_empty_message_ends_with_its_first_line() -> None:
    kept = converse(
        (*GREETED, client(ENVELOPE + b"DATA\r\n"), ACCEPTED, client(b".\r\n"), server(b"250 Ok\r\n"), *QUIT)
    )
    assert pairs(kept)[3:] == [("DATA", "250"), ("QUIT", "221")]


def test_message_refused_in_its_midst_is_answered_at_once() -> None:
    refused = (client(MESSAGE[:50]), server(b"552 too big\r\n"), client(MESSAGE[50:]), *QUIT)
    kept = converse((*GREETED, client(ENVELOPE + b"DATA\r\n"), ACCEPTED, *refused))
    assert pairs(kept)[3:] == [("DATA", "552"), ("QUIT", "221")]


def test_end_of_a_message_that_was_lost_is_told_by_the_answer() -> None:
    lost = (client(MESSAGE[:50]), Step(0, lost=len(MESSAGE) - 50), server(b"250 Ok\r\n"), *QUIT)
    kept = converse((*GREETED, client(ENVELOPE + b"DATA\r\n"), ACCEPTED, *lost))
    assert kept.requests()[3:] == ["DATA", "QUIT"]


def test_encryption_ends_what_can_be_read() -> None:
    hello = b"\x16\3\1\0\x2f\1\0\0\x2b\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0\0\0"
    kept = converse((*GREETED, client(b"STARTTLS\r\n"), server(b"220 Go ahead\r\n"), client(hello)))
    assert (kept.protocols[0], kept.unparsable_protocols) == ("smtp", [])
    assert pairs(kept)[:2] == [("EHLO", "250"), ("STARTTLS", "220")]


def test_local_delivery_is_answered_for_each_recipient_and_counts_once() -> None:
    hello = (server(b"220 store LMTP\r\n"), client(b"LHLO x\r\n"), server(b"250 store\r\n"))
    envelope = client(b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n")
    told = (server(b"250 Ok\r\n250 Ok\r\n250 Ok\r\n354 Go\r\n"), client(MESSAGE), server(b"250 b\r\n452 c full\r\n"))
    kept = converse((*hello, envelope, *told, *QUIT))
    assert pairs(kept)[4:] == [("DATA", "452"), ("QUIT", "221")]


def test_unknown_commands_are_other_and_refused() -> None:
    kept = converse((*GREETED, client(b"XYZZY 1\r\n"), server(b"500 what?\r\n"), *QUIT))
    assert pairs(kept)[1:] == [("OTHER", "500"), ("QUIT", "221")]


def test_reply_of_which_the_code_was_copied_is_a_reply() -> None:
    asked = (client(b"MAIL FROM:<someone@shop.example>\r\n"), server(b"250 2.1.0 Originator ok, go on please\r\n"))
    refused = (
        client(b"RCPT TO:<somebody.else@shop.example>\r\n"),
        server(b"550-5.1.1 no\r\n550 5.1.1 such mailbox\r\n"),
    )
    go_on = (client(b"DATA\r\n"), server(b"354 End data with <CR><LF>.<CR><LF>\r\n"))
    message = (client(b"Subject: x\r\n" * 20 + b".\r\n"), server(b"250 2.0.0 Ok: queued as 4711 by this host\r\n"))
    kept = converse([*GREETED, *copied([*asked, *refused, *go_on, *message, *QUIT], 30)])
    assert pairs(kept)[1:] == [("MAIL", "250"), ("RCPT", "550"), ("DATA", "250"), ("QUIT", "221")]
    assert kept.exchanges[1].duration == STEP
