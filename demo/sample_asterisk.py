"""The sample calls as Asterisk writes them down: several rows a call, in local time."""

from datetime import datetime, timedelta, timezone

from sample_calls import Summary

PEERS = {"C1007": "hotel", "C1008": "horizon", "C1009": "imex", "C1012": "mertens"}
DISPOSITIONS = {"USER_BUSY": "BUSY", "CALL_REJECTED": "FAILED"}


class AsteriskFile:
    """A Master.csv of 21 columns, in the making."""

    def __init__(self, maker, zone):
        self.maker, self.zone = maker, zone
        self.summary, self.lines = Summary(), []
        self.channels = 0x1A0
        self.sequence = 4100

    def fill(self, more):
        """Make all calls and write them in the order in which they ended, and more behind them."""
        maker, groups = self.maker, []
        for code, count in (("C1007", 260), ("C1008", 260), ("C1009", 240), ("C1012", 150)):
            for number, call in enumerate(maker.outbound(code, count)):
                groups.append((call, self.outbound_rows, code, number))
            for number, call in enumerate(maker.inbound(code, 24)):
                groups.append((call, self.inbound_rows, code, number))
        for call in maker.outbound("C1009", 3, unrated=True):
            groups.append((call, self.outbound_rows, "C1009", 1))
        for call in maker.unknown("C9999", 4):
            groups.append((call, self.outbound_rows, "C9999", 1))
        groups.sort(key=lambda group: (group[0].end, group[0].uid))
        for number, (call, rows_of, code, variant) in enumerate(groups):
            begin = len(self.lines)
            rows_of(call, code, variant)
            if number % 140 == 70:
                # The last call once more: its rows are known by now.
                for line, (uid, billsec, is_other) in zip(
                    self.lines[begin:], self.last_legs, strict=True
                ):
                    self.lines.append(line)
                    self.summary.leg(uid, billsec, is_other)
        self.repeated_hour()
        self.bad_rows()
        for call in more:
            self.outbound_rows(call, call.code, 2)

    # === CALLS ===

    def outbound_rows(self, call, code, variant):
        """A call to the outside."""
        self.begin(call)
        shown = "" if code == "C1012" else code
        peer = f"PJSIP/{PEERS.get(code, 'guest')}-{1 + variant % 2}-{self.channel()}"
        carrier = f"PJSIP/carrier-{self.channel()}"
        dial = f"PJSIP/{call.number}@carrier,60"
        answer = call.answer if call.answered else None
        if call.answered and variant % 10 == 4:
            # Over a Local channel that stays: the same conversation in two rows.
            near = f"Local/{call.dst}@outgoing-{self.channel()}"
            self.row(call, shown, call.dst, peer, near + ";1", "Dial", near, answer=answer)
            self.row(
                *(call, shown, call.dst, near + ";2", carrier, "Dial", dial),
                answer=answer,
                unique=1,
                is_other=True,
            )
        elif call.answered and call.billsec > 60 and variant % 10 == 7:
            # Transferred: what was said before and after are two rows.
            middle = answer + timedelta(seconds=call.billsec // 2)
            self.row(call, shown, call.dst, peer, carrier, "Dial", dial, answer=answer, end=middle)
            again = f"PJSIP/{PEERS.get(code, 'guest')}-3-{self.channel()}"
            self.row(
                *(call, shown, call.dst, again, carrier, "Dial", dial),
                start=middle,
                answer=middle,
                unique=2,
            )
        else:
            self.row(call, shown, call.dst, peer, carrier, "Dial", dial, answer=answer)
            if call.answered and variant % 10 == 1:
                # What the dial plan does after the call.
                self.row(
                    *(call, shown, call.dst, peer, "", "Hangup", ""),
                    start=call.end,
                    answer=call.end,
                )

    def inbound_rows(self, call, code, variant):
        """A call to one of an account's numbers, which rings at two phones."""
        self.begin(call)
        trunk = f"PJSIP/carrier-{self.channel()}"
        phones = [f"PJSIP/{PEERS[code]}-{phone}" for phone in (1, 2)]
        dial = "&".join(phones) + ",30,t"
        first, second = (f"{phone}-{self.channel()}" for phone in phones)
        if not call.answered and variant % 2:
            # The switch had picked up to play a greeting: answer times, seconds, and no answer.
            for phone, seconds in ((first, 45), (second, 30)):
                end = call.start + timedelta(seconds=seconds)
                self.row(
                    *(call, "", call.number, trunk, phone, "Dial", dial),
                    answer=call.start,
                    end=end,
                    disposition="NO ANSWER",
                )
            self.row(
                *(call, "", call.number, trunk, "", "Hangup", ""),
                start=call.start + timedelta(seconds=45),
                answer=call.start + timedelta(seconds=45),
                end=call.start + timedelta(seconds=45),
            )
        elif call.answered and code == "C1008" and variant % 4 == 0:
            # Forwarded to a mobile: a call in, and a call out that the account pays.
            mobile = self.maker.fill("32470000###")
            near = f"Local/0{mobile[2:]}@forward-{self.channel()}"
            self.row(*(call, "", call.number, trunk, near + ";1", "Dial", near), answer=call.answer)
            self.row(
                *(call, code, "0" + mobile[2:], near + ";2"),
                *(f"PJSIP/carrier-{self.channel()}", "Dial", f"PJSIP/{mobile}@carrier,60"),
                answer=call.answer,
                unique=1,
            )
        else:
            answer = call.answer if call.answered else None
            self.row(call, "", call.number, trunk, first, "Dial", dial, answer=answer)
            self.row(
                *(call, "", call.number, trunk, second, "Dial", dial),
                end=call.answer,
                disposition="NO ANSWER",
            )

    def repeated_hour(self):
        """Calls in the hour that 25 October has twice; only the channel's id tells which it is."""
        for moment in (datetime(2026, 10, 25, 0, 20, 10), datetime(2026, 10, 25, 1, 20, 10)):
            for call in self.maker.outbound("C1007", 2, seconds=(40, 200)):
                shift = timedelta(seconds=self.maker.random.randrange(900))
                night = call.__class__(**{**call.__dict__, "start": moment + shift})
                self.outbound_rows(night, "C1007", 2)

    def bad_rows(self):
        for number, change in enumerate(
            (
                lambda line: line[: len(line) // 3] + "\n",
                lambda line: line.replace('"DOCUMENTATION"', '"ANSWERED","DOCUMENTATION"'),
                lambda line: line.replace('"2026-', '"2026/13-', 3),
                lambda line: line.replace('"ANSWERED"', '"PICKED UP"'),
            )
        ):
            call = self.maker.outbound("C1009", 1, seconds=(20, 80))[0]
            count, values = len(self.lines), dict(self.summary.values)
            self.outbound_rows(call, "C1009", 2)
            self.summary.values = values
            lines, self.lines = self.lines[count:], self.lines[:count]
            self.lines.insert(150 + 260 * number, change(lines[0]))
            self.summary.bad()

    # === ROWS ===

    def begin(self, call):
        self.last_legs = []
        epoch = int(call.start.replace(tzinfo=timezone.utc).timestamp())
        self.channels += 1
        self.linked = f"{epoch}.{self.channels}"

    def channel(self):
        self.channels += 1
        return f"{self.channels:08x}"

    def local(self, moment):
        if not moment:
            return ""
        moment = moment.replace(tzinfo=timezone.utc).astimezone(self.zone)
        return f'"{moment:%Y-%m-%d %H:%M:%S}"'

    def row(self, call, code, dst, channel, other, application, data, **given):
        """Write one row; ``given`` may have start, answer, end, disposition, unique, is_other."""
        start, end = given.get("start") or call.start, given.get("end") or call.end
        answer = given.get("answer")
        duration = int((end - start).total_seconds())
        billsec = int((end - answer).total_seconds()) if answer else 0
        disposition = given.get("disposition")
        if not disposition:
            disposition = "ANSWERED" if answer else DISPOSITIONS.get(call.cause, "NO ANSWER")
        self.sequence += 1
        unique = self.linked
        if given.get("unique"):
            epoch, _dot, number = unique.partition(".")
            unique = f"{epoch}.{int(number) + given['unique']}"
        texts = [code, call.src, dst, "from-internal" if not call.inbound else "from-trunk"]
        texts += [f'""{call.name}"" <{call.src}>', channel, other, application, data]
        stamps = ",".join(map(self.local, (start, answer, end)))
        self.lines.append(
            ",".join(f'"{text}"' for text in texts)
            + f',{stamps},{duration},{billsec},"{disposition}","DOCUMENTATION","{unique}","",""'
            + f',"{self.linked}",{self.sequence}\n'
        )
        leg = (
            f"{unique}.{self.sequence}",
            billsec if disposition == "ANSWERED" else 0,
            bool(given.get("is_other")),
        )
        self.last_legs.append(leg)
        self.summary.leg(*leg)
