"""Talks TCP, for the test of the live list: `serve PORT`, or `talk ADDRESS PORT SECONDS [TEXT]`.

A server answers every message with more random octets. A client sends random octets, or the text, once
in so many seconds until it is killed; it says "connected" once it is.
"""

import os
import socket
import sys
import threading
import time


def answer(client):
    while client.recv(4096):
        client.sendall(os.urandom(112))


def serve(port):
    with socket.create_server(("", port)) as listener:
        print("listening", flush=True)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=answer, args=(client,), daemon=True).start()


def talk(address, port, seconds, text=None):
    with socket.create_connection((address, port)) as server:
        print("connected", flush=True)
        while True:
            server.sendall(text.encode() if text else os.urandom(48))
            server.recv(4096)
            time.sleep(seconds)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    talk(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), *sys.argv[5:])
