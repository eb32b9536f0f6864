{#- The campaigns that compete in this run, as a SQL list: those it was asked for, or all. -#}
{%- macro run_campaigns() -%}
{%- set names = run_value('campaigns') or campaign_priority() -%}
({% for name in names %}'{{ name }}'{% if not loop.last %}, {% endif %}{% endfor %})
{%- endmacro %}
