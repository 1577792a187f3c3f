// The button that copies a feed's address. Without this file the address can be marked and copied by hand.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const said = document.getElementById(button.dataset.said);
  button.hidden = false;
  button.addEventListener("click", async () => {
    said.textContent = "";
    field.select();
    let copied;
    try {
      await navigator.clipboard.writeText(field.value);
      copied = true;
    } catch {
      // On a page that came without TLS there is no clipboard to write to, but the older command.
      copied = document.execCommand("copy");
    }
    said.textContent = copied ? button.dataset.done : button.dataset.failed;
  });
}
