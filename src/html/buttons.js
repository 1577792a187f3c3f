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

// The button that opens the system's sheet for sharing. Where there is none, it copies the address of the page.
for (const button of document.querySelectorAll("button[data-share]")) {
  const { share: url, title, copyLabel, done, failed } = button.dataset;
  const said = button.nextElementSibling;
  if (!navigator.share) {
    // On a page that came without TLS there is neither.
    if (!navigator.clipboard) continue;
    button.textContent = copyLabel;
  }
  button.parentElement.hidden = false;
  button.addEventListener("click", async () => {
    said.textContent = "";
    try {
      if (navigator.share) {
        await navigator.share({ title, url });
      } else {
        await navigator.clipboard.writeText(url);
        said.textContent = done;
      }
    } catch (cause) {
      // Closing the sheet is no failure.
      if (cause.name !== "AbortError") said.textContent = failed;
    }
  });
}
