"""A child that speaks the embedded engine's protocol without a model; run as a script.

The "weights" are a file ``GGUF{…}`` whose JSON tells it what to do: ``answer`` (list of token
texts), ``tokens`` (control tokens of its vocabulary), ``load`` ("fail" or "hang"), ``die`` (on
the first completion of a process), ``endless`` (stream until the client leaves), ``status`` and
``error`` (a refusal). Each request goes to ``<weights>.requests`` as a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Handler(BaseHTTPRequestHandler):
    plan: dict
    key: str
    record: Path

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != f"Bearer {self.key}":
            return self._json(401, {"error": {"code": 401, "message": "no key"}})
        self._note({"path": self.path, "pid": os.getpid(), **body})
        if self.path == "/tokenize":
            known = body["content"] in self.plan.get("tokens", [])
            return self._json(200, {"tokens": [1] if known else [1, 2]})
        if self.path == "/apply-template":
            text = "".join(f"[{m['role']}]{m['content']}\n" for m in body["messages"])
            return self._json(200, {"prompt": text})
        if "error" in self.plan:
            return self._json(self.plan.get("status", 400), {"error": self.plan["error"]})
        if self.plan.get("die"):
            os._exit(9)
        return self._stream()

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            for text in self.plan.get("answer", []):
                self._token(text)
            while self.plan.get("endless"):
                self._token("x")
                time.sleep(0.01)
        except OSError:
            self._note({"left": True})
            return
        if not self.plan.get("cut"):
            self._event(
                {
                    "content": "",
                    "stop": True,
                    "stop_type": "eos",
                    "tokens_evaluated": 7,
                    "tokens_predicted": len(self.plan.get("answer", [])),
                    "timings": {"cache_n": 3, "prompt_n": 64, "prompt_per_second": 1000.0},
                }
            )

    def _token(self, text: str) -> None:
        probability = {"token": text, "logprob": -0.5, "top_logprobs": []}
        self._event({"content": text, "stop": False, "completion_probabilities": [probability]})

    def _event(self, event: dict) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()

    def _json(self, status: int, value: dict) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _note(self, what: dict) -> None:
        with self.record.open("a") as file:
            file.write(json.dumps(what) + "\n")


def main() -> None:
    config = json.loads(sys.stdin.readline())
    weights = Path(config["model"])
    plan = json.loads(weights.read_text()[4:] or "{}")
    record = weights.with_name(weights.name + ".requests")
    with record.open("a") as file:
        file.write(json.dumps({"started": os.getpid(), "env": sorted(os.environ)}) + "\n")
    if plan.get("load") == "fail":
        print(json.dumps({"error": "Failed to init server"}), flush=True)
        return
    if plan.get("load") == "hang":
        sys.stdin.read()
        return
    handler = type("Handler", (_Handler,), {"plan": plan, "key": config["key"], "record": record})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
