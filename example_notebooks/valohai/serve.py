"""What the endpoint would run: POST an image as a JSON list of 64 pixels from 0 to 255, and get its digit."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

from digits import inked, probabilities, read_model

WEIGHTS = read_model("model.gz")


class Digits(BaseHTTPRequestHandler):
    """Answers with the digit, and how likely it is."""

    def do_POST(self):
        image = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = probabilities(WEIGHTS, inked(image))
        answer = json.dumps({"digit": found.index(max(found)), "probability": max(found)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    HTTPServer(("", 8000), Digits).serve_forever()
