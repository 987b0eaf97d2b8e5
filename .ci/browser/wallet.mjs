// A test wallet: a key, the signature of EIP-191, and what a page finds in the browser.
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";

export class Wallet {
  /** A key that is a small number: nobody's money is behind it. */
  constructor(number) {
    this.key = hexToBytes(number.toString(16).padStart(64, "0"));
    const point = secp256k1.getPublicKey(this.key, false).slice(1);
    this.address = "0x" + bytesToHex(keccak_256(point).slice(12));
  }

  /** The signature of a text, `0x` and 130 digits. */
  sign(text) {
    const bytes = utf8ToBytes(text);
    const head = utf8ToBytes(`\x19Ethereum Signed Message:\n${bytes.length}`);
    const signed = secp256k1.sign(keccak_256(concatBytes(head, bytes)), this.key);
    return "0x" + signed.toCompactHex() + (27 + signed.recovery).toString(16);
  }

  /** Puts the wallet into every page of a context: EIP-1193, announced by EIP-6963. */
  async into(context) {
    await context.exposeFunction("testWalletSigns", (hex) => this.sign(Buffer.from(hex.slice(2), "hex").toString()));
    await context.addInitScript((address) => {
      const provider = {
        async request({ method, params }) {
          if (method === "eth_requestAccounts") return [address];
          if (method === "personal_sign" && params[1] === address) return window.testWalletSigns(params[0]);
          throw new Error(`the test wallet knows no ${method}`);
        },
      };
      const info = Object.freeze({ uuid: "350670db-19fa-4704-a166-e52e178b59d2", name: "Test Wallet", icon: "", rdns: "example.test" });
      const announce = () =>
        window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
      window.addEventListener("eip6963:requestProvider", announce);
    }, this.address);
  }
}
