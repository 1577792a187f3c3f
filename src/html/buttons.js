// Puts a text into the clipboard; false if the browser does not let us.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // On a page that came without TLS there is no clipboard to write to, but the older command.
    const field = document.createElement("textarea");
    field.className = "unseen";
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

// The button that copies a feed's address. Without this file the address can be marked and copied by hand.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const said = document.getElementById(button.dataset.said);
  button.hidden = false;
  button.addEventListener("click", async () => {
    said.textContent = "";
    const copied = await copy(field.value);
    field.select();
    said.textContent = copied ? button.dataset.done : button.dataset.failed;
  });
}

// The button that opens the system's sheet for sharing. Where there is none, it copies the address of the page.
for (const button of document.querySelectorAll("button[data-share]")) {
  const { share: url, title, copyLabel, done, failed } = button.dataset;
  const said = button.nextElementSibling;
  if (!navigator.share) button.textContent = copyLabel;
  button.parentElement.hidden = false;
  button.addEventListener("click", async () => {
    said.textContent = "";
    if (!navigator.share) {
      said.textContent = (await copy(url)) ? done : failed;
      button.focus();
      return;
    }
    try {
      await navigator.share({ title, url });
    } catch (cause) {
      // Closing the sheet is no failure.
      if (cause.name !== "AbortError") said.textContent = failed;
    }
  });
}
