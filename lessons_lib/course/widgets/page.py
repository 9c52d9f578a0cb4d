"""The html, style and script of a player, with @FIELDS@ to fill in; `Player.to_html` does so."""

PAGE = """\
<figure class="lesson-player" data-player="@NAME@" aria-label="@LABEL@">
<style>
.lesson-player{margin:1rem 0;max-width:100%}
.lesson-player img{display:block;max-width:100%;height:auto;background:#fff;border-radius:6px}
.lesson-player .controls{display:grid;gap:.35rem .8rem;align-items:center;margin:.6rem 0;
grid-template-columns:auto minmax(4rem,max-content) minmax(6rem,1fr) auto;font-size:.92em}
.lesson-player .controls[hidden]{display:none}
.lesson-player label{display:contents}
.lesson-player label span{grid-column:2;line-height:1.2}
.lesson-player input{width:100%;min-height:1.6rem;margin:0;accent-color:#2a86c7}
.lesson-player output{font-variant-numeric:tabular-nums;white-space:nowrap}
.lesson-player button{font:inherit;color:inherit;background:transparent;border:1px solid;
border-radius:6px;padding:.2rem .8rem;min-width:5rem;cursor:pointer}
@media (max-width:30rem){
.lesson-player .controls{grid-template-columns:minmax(4rem,max-content) minmax(5rem,1fr) auto}
.lesson-player button{grid-column:1/-1;justify-self:start}
.lesson-player label span{grid-column:1}
}
.lesson-player .spoken{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%);white-space:nowrap}
</style>
<img src="data:image/png;base64,@PNG@" alt="@ALT@" width="@WIDTH@" height="@HEIGHT@">
<div class="controls" hidden><button type="button">Play</button>@SLIDERS@</div>
@CAPTION@<span class="spoken" aria-live="polite"></span>
<script type="application/json">@DATA@</script>
<script>
for (const box of document.querySelectorAll('[data-player="@NAME@"]:not([data-ready])')) {
  box.dataset.ready = "yes";
  const data = JSON.parse(box.querySelector('script[type="application/json"]').textContent);
  const image = box.querySelector("img"), spoken = box.querySelector(".spoken");
  const button = box.querySelector("button"), inputs = [...box.querySelectorAll("input")];
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let timer = null, later = null;
  const show = () => {
    let frame = 0;
    inputs.forEach((input, i) => {
      const word = data.words[i][input.value];
      frame = frame * data.words[i].length + Number(input.value);
      input.setAttribute("aria-valuetext", word);
      input.nextElementSibling.textContent = word;
    });
    image.src = "data:image/png;base64," + data.png[frame];
    image.alt = data.alt[frame];
    clearTimeout(later);
    if (timer === null) later = setTimeout(() => { spoken.textContent = image.alt; }, 800);
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    if (!calm) button.textContent = "Play";
  };
  const step = () => {
    if (!box.isConnected) return pause();
    inputs[0].value = (Number(inputs[0].value) + 1) % data.words[0].length;
    show();
  };
  inputs.forEach(input => input.addEventListener("input", () => { pause(); show(); }));
  if (calm) button.textContent = "Next";
  button.addEventListener("click", () => {
    if (calm) return step();
    if (timer !== null) { pause(); return show(); }
    button.textContent = "Pause";
    timer = setInterval(step, @INTERVAL@);
  });
  box.querySelector(".controls").hidden = false;
}
</script>
</figure>
"""
