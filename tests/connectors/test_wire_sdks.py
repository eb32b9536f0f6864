"""What we put on the wire is what the vendors' own SDKs put there for the same input, as real servers read it.

The allowed differences are named where they are: each is a thing that the SDK does and that we do better or need not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
import sendgrid
from connector_cases import SENDER, RawServer, connection_to, http_answer, memberships, messages
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession
from google.ads import datamanager_v1 as datamanager
from google.ads.datamanager_util.format import Encoding, Formatter
from google.ads.datamanager_v1.services.ingestion_service.transports.rest import IngestionServiceRestTransport
from google.auth.credentials import AnonymousCredentials
from google.protobuf import json_format
from sendgrid.helpers import mail as sendgrid_mail
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client as TwilioClient
from wire import as_json, header, wire

from activation.connectors.google import Google
from activation.connectors.meta import Meta
from activation.connectors.sendgrid import SendGrid
from activation.connectors.twilio import Twilio
from activation.types import Operation

RawServerMaker = Callable[[Any], RawServer]
EMAILS: list[str | None] = [" Foo.Bar+x@Example.COM ", "jefferson.Loves.hiking+x@gmail.com"]
PHONES: list[str | None] = ["+1 (800) 555-0100", "+44 20 7946 0018"]
FIELDS: list[str | None] = [
    json.dumps({"first_name": "Zoë <b> & Co", "offer_text": "15 % off"}),
    json.dumps({"first_name": "Ann", "offer_text": "{{ x }}"}),
]


def test_sendgrid(raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(202, b"", "X-Message-Id: abc"))
    request = messages("sendgrid", FIELDS)
    SendGrid(connection_to("sendgrid", server.url), SENDER).send(request)
    ours, authorization = wire(server), header(server, "Authorization")
    body = as_json(ours[2])

    mail = sendgrid_mail.Mail(from_email=sendgrid_mail.From(SENDER.email, SENDER.name))
    mail.subject = sendgrid_mail.Subject(body["subject"])
    mail.add_category(sendgrid_mail.Category(request.campaign))
    for part in body["content"]:
        mail.add_content(sendgrid_mail.Content(part["type"], part["value"]))
    rows = list(zip(request.rows.to_pylist(), body["personalizations"], strict=True))
    # The SDK puts each new person before the others.
    for row, personalization in reversed(rows):
        person = sendgrid_mail.Personalization()
        person.add_to(sendgrid_mail.To(row["address"]))
        person.add_custom_arg(sendgrid_mail.CustomArg("message_id", row["message_id"]))
        person.add_custom_arg(sendgrid_mail.CustomArg("campaign", request.campaign))
        person.add_header(sendgrid_mail.Header("List-Unsubscribe", f"<{row['unsubscribe_url']}>"))
        person.add_header(sendgrid_mail.Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        # The tags are of our own making.
        for tag, value in personalization["substitutions"].items():
            person.add_substitution(sendgrid_mail.Substitution(tag, value))
        mail.add_personalization(person)
    sendgrid.SendGridAPIClient("secret-token", host=server.url).send(mail)
    theirs = wire(server)
    assert theirs[:2] == ours[:2] == (("POST", "/v3/mail/send"), {})
    assert header(server, "Authorization") == authorization
    assert as_json(theirs[2]) == body


class Redirected(TwilioHttpClient):
    """Twilio's own HTTP client, to another host."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        return super().request(
            method, url.replace("https://api.twilio.com", self._url), *arguments, **options
        )


def test_twilio(raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(201, b'{"sid": "SM1"}'))
    request = messages("twilio", [FIELDS[0]])
    Twilio(connection_to("twilio", server.url), SENDER).send(request)
    ours, authorization = wire(server), header(server, "Authorization")
    form = {name: value for name, (value,) in parse_qs(ours[2].decode(), strict_parsing=True).items()}

    client = TwilioClient("AC0123", "secret-password", http_client=Redirected(server.url))
    (row,) = request.rows.to_pylist()
    callback = (
        f"{SENDER.callback_url}/twilio/status?message_id={row['message_id']}&campaign={request.campaign}"
    )
    client.messages.create(to=row["address"], from_=SENDER.phone, body=form["Body"], status_callback=callback)
    theirs = wire(server)
    assert theirs[:2] == ours[:2] == (("POST", "/2010-04-01/Accounts/AC0123/Messages.json"), {})
    assert header(server, "Authorization") == authorization
    assert parse_qs(theirs[2].decode(), strict_parsing=True) == parse_qs(
        ours[2].decode(), strict_parsing=True
    )


@pytest.mark.parametrize("operation", [Operation.ADD, Operation.REMOVE])
def test_meta(operation: Operation, raw_server: RawServerMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    server = raw_server(http_answer(200, b'{"session_id": "7", "num_received": 2, "num_invalid_entries": 0}'))
    Meta(connection_to("meta", server.url), SENDER).send(memberships(EMAILS, PHONES, operation))
    ours, authorization = wire(server), header(server, "Authorization")
    form = dict(parse_qsl(ours[2].decode(), strict_parsing=True))
    session = json.loads(form["session"])

    monkeypatch.setattr(FacebookSession, "GRAPH", server.url)
    api = FacebookAdsApi.init(access_token="secret-token", crash_log=False)
    audience = CustomAudience("120330", api=api)
    call = audience.add_users if operation is Operation.ADD else audience.remove_users
    schema = CustomAudience.Schema.MultiKeySchema
    people = [list(pair) for pair in zip(EMAILS, PHONES, strict=True)]
    call([schema.email, schema.phone], people, is_raw=True, session=session)
    theirs = wire(server)
    sent = theirs[1] | dict(parse_qsl(theirs[2].decode()))
    method = "POST" if operation is Operation.ADD else "DELETE"
    assert theirs[0] == ours[0] == (method, "/v26.0/120330/users")
    # The token travels in a header and not in the URL; is_raw speaks to the SDK, which hashes, and not to Meta.
    assert authorization == f"Bearer {sent.pop('access_token')}"
    payload = json.loads(sent.pop("payload"))
    assert payload.pop("is_raw") is True
    assert payload == json.loads(form["payload"])
    assert json.loads(sent.pop("session")) == session
    assert (sent, ours[1], set(form)) == ({}, {}, {"payload", "session"})
    # The SDK puts the people of a removal into the URL.
    assert bool(theirs[2]) is (operation is Operation.ADD)


@pytest.mark.parametrize("operation", [Operation.ADD, Operation.REMOVE])
def test_google(operation: Operation, raw_server: RawServerMaker) -> None:
    server = raw_server(http_answer(200, b'{"requestId": "r1"}', "Content-Type: application/json"))
    Google(connection_to("google", server.url), SENDER).send(memberships(EMAILS, PHONES, operation))
    ours = wire(server)

    formatter = Formatter()
    members = [
        datamanager.AudienceMember(
            user_data=datamanager.UserData(
                user_identifiers=[
                    datamanager.UserIdentifier(
                        email_address=formatter.process_email_address(email, Encoding.HEX)
                    ),
                    datamanager.UserIdentifier(
                        phone_number=formatter.process_phone_number(phone, Encoding.HEX)
                    ),
                ]
            )
        )
        for email, phone in zip(EMAILS, PHONES, strict=True)
    ]
    account = datamanager.ProductAccount(
        account_type=datamanager.ProductAccount.AccountType.GOOGLE_ADS, account_id="AC0123"
    )
    common: dict[str, Any] = {
        "destinations": [datamanager.Destination(operating_account=account, product_destination_id="120330")],
        "audience_members": members,
        "encoding": datamanager.Encoding.HEX,
    }
    granted = datamanager.ConsentStatus.CONSENT_GRANTED
    terms = datamanager.TermsOfServiceStatus.ACCEPTED
    transport = IngestionServiceRestTransport(
        host=server.url.removeprefix("http://"), credentials=AnonymousCredentials(), url_scheme="http"
    )
    client = datamanager.IngestionServiceClient(transport=transport)
    kind: Any
    if operation is Operation.ADD:
        kind = datamanager.IngestAudienceMembersRequest
        expected = kind(
            **common,
            consent=datamanager.Consent(ad_user_data=granted, ad_personalization=granted),
            terms_of_service=datamanager.TermsOfService(customer_match_terms_of_service_status=terms),
        )
        client.ingest_audience_members(request=expected)
    else:
        kind = datamanager.RemoveAudienceMembersRequest
        expected = kind(**common)
        client.remove_audience_members(request=expected)
    theirs = wire(server)
    method = "ingest" if operation is Operation.ADD else "remove"
    assert theirs[0] == ours[0] == ("POST", f"/v1/audienceMembers:{method}")
    # Google's own strict parser reads both alike; the SDK writes enums as numbers, and says so in the URL.
    assert (theirs[1], ours[1]) == ({"$alt": "json;enum-encoding=int"}, {})
    parsed = [json_format.Parse(body, kind.pb(kind())) for body in (ours[2], theirs[2])]
    assert parsed[0] == parsed[1] == kind.pb(expected)
    assert json.loads(json_format.MessageToJson(parsed[1])) == as_json(ours[2])
