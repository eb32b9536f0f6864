"""Delivery status notifications and complaints as mail servers write them."""

from __future__ import annotations

import pytest
from feedback import MESSAGE, Feedback, counts

POSTFIX = f"""From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: bounces+{MESSAGE}@shop.example.com
Subject: Undelivered Mail Returned to Sender
Date: Sun, 1 Mar 2026 10:00:00 +0100 (CET)
Message-Id: <20260301090000.ABC@mx.example.net>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B1"

--B1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 4ABC
Arrival-Date: Sun,  1 Mar 2026 09:59:58 +0100 (CET)

Final-Recipient: rfc822; Ann@example.com
Original-Recipient: rfc822;ann@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 5.1.1 <ann@example.com>: Recipient address rejected

--B1
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Message-ID: <{MESSAGE}@shop.example.com>
To: ann@example.com
Subject: Hello

--B1--
"""
EXCHANGE = f"""From: <postmaster@mail.example.org>
To: <bounces@shop.example.com>
Date: Sun, 1 Mar 2026 09:05:00 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="_000_exchange_"
MIME-Version: 1.0
Message-ID: <dsn-1@mail.example.org>
In-Reply-To: <{MESSAGE}@shop.example.com>

--_000_exchange_
Content-Type: multipart/alternative; boundary="_001_"

--_001_
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

<html><body>Your message to bob@example.com couldn't be delivered.</body></html>

--_001_--

--_000_exchange_
Content-Type: message/delivery-status

Reporting-MTA: dns;mail.example.org
Received-From-MTA: dns;out.shop.example.com

Final-recipient: RFC822;bob@example.com
Action: failed
Status: 4.2.2 (mailbox full)
X-Display-Name: Bob

--_000_exchange_
Content-Type: message/rfc822

Received: from out.shop.example.com
From: hello@shop.example.com
To: bob@example.com
Message-ID: <{MESSAGE}@shop.example.com>
Subject: Hello
Content-Type: text/plain

Hi

--_000_exchange_--
"""
SENDMAIL = f"""From: Mail Delivery Subsystem <MAILER-DAEMON@relay.example.net>
To: <bounces@shop.example.com>
Date: Sun, 1 Mar 2026 09:10:00 GMT
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="u219.1772356200/relay.example.net"
Message-Id: <sendmail-1@relay.example.net>

--u219.1772356200/relay.example.net

The original message was received

--u219.1772356200/relay.example.net
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.net
Original-Envelope-Id: {MESSAGE}

Final-Recipient: RFC822; cyd@example.com
Action: delayed
Status: 4.4.1

Final-Recipient: RFC822; dan@example.com
Action: failed
Status: 5.7.1

Final-Recipient: X400; /C=de/
Action: failed
Status: 5.0.0

--u219.1772356200/relay.example.net--
"""
COMPLAINT = f"""From: <feedback@isp.example.net>
To: <abuse@shop.example.com>
Date: Sun, 1 Mar 2026 09:20:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="arf"
Message-ID: <arf-1@isp.example.net>

--arf
Content-Type: text/plain

This is an e-mail abuse report.

--arf
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <eve@example.com>

--arf
Content-Type: message/rfc822

From: hello@shop.example.com
To: eve@example.com
Message-ID: <{MESSAGE}@shop.example.com>

Hi

--arf--
"""
Row = tuple[str | None, str | None, str, str | None, str]


@pytest.mark.parametrize(
    ("report", "rows"),
    [
        (POSTFIX, [(MESSAGE, "ann@example.com", "bounce", "hard", "09:00")]),
        (EXCHANGE, [(MESSAGE, "bob@example.com", "bounce", "soft", "09:05")]),
        (
            SENDMAIL,
            [
                (MESSAGE, None, "bounce", "hard", "09:10"),
                (MESSAGE, "cyd@example.com", "deferred", None, "09:10"),
                (MESSAGE, "dan@example.com", "bounce", "hard", "09:10"),
            ],
        ),
        (COMPLAINT, [(MESSAGE, "eve@example.com", "complaint", None, "09:20")]),
    ],
    ids=["postfix", "exchange", "sendmail", "complaint"],
)
def test_a_report_is_read_as_its_server_writes_it(feedback: Feedback, report: str, rows: list[Row]) -> None:
    feedback.push("bounces", "report.eml", report.replace("\n", "\r\n"))
    found = feedback.collect("bounces")
    # Who is named by an address of another kind is only our message, which this home never sent.
    foreign = sum(address is None for _, address, *_ in rows)
    assert counts(found) == {"read": len(rows), "new": len(rows) - foreign} | (
        {"foreign": foreign} if foreign else {}
    )
    told = [
        (row["message_id"], row["email"], row["event"], row["detail"], f"{row['occurred_at']:%H:%M}")
        for row in feedback.events("provider.email_events")
    ]
    assert sorted(told, key=str) == [row for row in rows if row[1]]


def test_a_report_without_the_mail_is_known_by_the_address_it_came_to(feedback: Feedback) -> None:
    head, _, _ = POSTFIX.partition("--B1\nContent-Description: Undelivered")
    feedback.push("bounces", "report.eml", f"{head}--B1--\n")
    feedback.collect("bounces")
    assert [row["message_id"] for row in feedback.events("provider.email_events")] == [MESSAGE]


def test_the_same_report_twice_is_one(feedback: Feedback) -> None:
    feedback.push("bounces", "a.eml", POSTFIX)
    feedback.push("bounces", "b.eml", POSTFIX)
    assert counts(feedback.collect("bounces")) == {"read": 2, "new": 1, "repeated": 1}


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\xff\xfe\x00garbage",
        b"From: ann@example.com\nSubject: I am away\n\nBack on Monday.\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n",
        b"Content-Type: message/delivery-status\n\n",
    ],
    ids=["empty", "garbage", "out of office", "torn", "no groups"],
)
def test_what_is_no_report_is_set_aside(feedback: Feedback, mail: bytes) -> None:
    feedback.push("bounces", "mail.eml", mail)
    assert counts(feedback.collect("bounces")) == {"read": 1, "set_aside": 1}
    assert feedback.set_aside("bounces") == ["is no delivery status notification and no feedback report"]


def test_not_spam_is_no_complaint(feedback: Feedback) -> None:
    feedback.push("bounces", "a.eml", COMPLAINT.replace("Feedback-Type: abuse", "Feedback-Type: not-spam"))
    assert counts(feedback.collect("bounces")) == {}
    assert feedback.events("provider.email_events") == []
