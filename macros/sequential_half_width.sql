{#- Half the width of an interval that holds however often it is looked at: the normal mixture of Robbins (1970), as in
    the mixture sequential probability ratio test of Johari, Koomen, Pekelis and Walsh (Operations Research 70, 2022).
    `variance` is that of the estimate now; `mixing_variance` that of the effects it is tuned to, the same at every
    look; `alpha`, a number, is how often it may ever err. -#}
{%- macro sequential_half_width(variance, mixing_variance, alpha) -%}
sqrt(
    {{ variance }} * ({{ variance }} + {{ mixing_variance }}) / nullif({{ mixing_variance }}, 0)
    * (ln(({{ variance }} + {{ mixing_variance }}) / nullif({{ variance }}, 0)) - 2 * ln({{ alpha }}))
)
{%- endmacro %}
