{#- Instead of dbt-spark's own, which loses fractions of a second and fails on null. -#}
{%- macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
timestampadd({{ datepart }}, cast({{ interval }} as int), cast({{ from_date_or_timestamp }} as timestamp))
{%- endmacro %}
